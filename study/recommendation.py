"""From what confirmation says of each rival to what to take."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from study.answer import Answer, Rival
from study.comparison import Contender
from study.confirmation import Confirmation, Judged
from study.doubt import doubt_of
from study.plan import Plan


def recommend(plan: Plan, contenders: Sequence[Contender], confirmation: Confirmation | None) -> Answer:
    """Return the answer.

    Args:
        plan: What was asked.
        contenders: The leader first, in the order of ``confirmation``; none of them learned anything if that is none.
        confirmation: How the leader compares with the others.
    """
    if not confirmation:
        return Answer(margin=plan.margin)
    leader, *others = contenders
    rivals = tuple(
        _rival(contender.label, judged, plan, confirmation)
        for contender, judged in zip(others, confirmation.judged, strict=True)
    )
    answer = Answer(margin=plan.margin, level=confirmation.level, leader=leader.label, rivals=rivals, take=leader.label)
    if not leader.confirmed:
        return answer
    by_label = {contender.label: contender for contender in contenders}
    take = _take(leader.label, rivals, by_label)
    judged = {
        "confirmed": True,
        "take": take,
        "cheaper_than": _cheaper_than(take, leader.label, rivals, by_label),
        "costs_at_most": _costs_at_most(take, leader.label, rivals),
    }
    return answer.model_copy(update=judged)


def cost(contender: Contender) -> float:
    """Return what it costs to train a contender to the target: its median epochs there, infinite if most seeds miss it.

    Epochs and not seconds: every contender trains on the same images in an epoch, while seconds are those of a machine
    that did other things too, and an answer must not depend on what these were.
    """
    return contender.epochs_to_target


def _rival(label: str, judged: Judged, plan: Plan, confirmation: Confirmation) -> Rival:
    difference, doubt = judged.difference, None
    if difference and judged.interval:
        doubt = doubt_of(difference, plan, level=confirmation.level, rivals=len(confirmation.judged))
    return Rival(
        label=label,
        judgement=judged.judgement,
        difference=difference.mean if difference else None,
        interval=judged.interval,
        deviation=math.sqrt(difference.seed_variance) if difference and judged.interval else None,
        seeds=difference.seeds if difference else 0,
        diverged=judged.diverged,
        leader_diverged=judged.leader_diverged,
        doubt=doubt,
    )


def _take(leader: str, rivals: Sequence[Rival], contenders: Mapping[str, Contender]) -> str:
    """Return the best of those that are better than the leader; else the cheapest of the leader and those as good."""
    better = [rival for rival in rivals if rival.judgement == "better"]
    if better:
        return max(better, key=lambda rival: (rival.difference or 0.0, rival.label)).label
    equals = [leader, *(rival.label for rival in rivals if rival.judgement == "as good")]
    # Of those that cost the same the leader, or else the first.
    return min(equals, key=lambda label: cost(contenders[label]))


def _cheaper_than(take: str, leader: str, rivals: Sequence[Rival], contenders: Mapping[str, Contender]) -> str | None:
    """Return the leader if it is not taken for its price; if it is taken, the cheapest that is as good and dearer."""
    equals = [rival.label for rival in rivals if rival.judgement == "as good"]
    others = [leader] if take in equals else equals if take == leader else []
    dearer = [label for label in others if cost(contenders[take]) < cost(contenders[label])]
    return min(dearer, key=lambda label: cost(contenders[label]), default=None)


def _costs_at_most(take: str, leader: str, rivals: Sequence[Rival]) -> float | None:
    """Return by how much the best of all may be better than what is taken, all intervals holding; none if decided."""
    if not any(rival.judgement == "undecided" for rival in rivals):
        return None
    if any(rival.interval is None for rival in rivals if rival.judgement == "undecided"):
        return None  # nothing bounds it
    intervals = {leader: (0.0, 0.0), **{rival.label: rival.interval for rival in rivals if rival.interval}}
    most = max(interval[1] for label, interval in intervals.items() if label != take)
    return max(0.0, most - intervals[take][0])

"""Confirmation: the leader against each of its rivals on seeds that nothing was chosen by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from study.answer import Judgement
from study.comparison import Trial
from study.ended_trials import EndedTrials
from study.interval import Interval
from study.paired_difference import PairedDifference, paired_difference
from study.plan import FIRST_CONFIRM_SEED, ContenderPlan, Plan, PlannedTrial

ALPHA = 0.05  # of the whole comparison: how often any claim of it may be false

Chosen = tuple[ContenderPlan, float]  # a contender with its best learning rate


@dataclass(frozen=True)
class Judged:
    """A rival of the leader, as the latest look at it judges it.

    Attributes:
        rival: Which, at which learning rate.
        difference: Of the rival from the leader, so that a negative one is in the leader's favour; none without a look.
        interval: Of that difference, at the level of the comparison; none likewise.
        seeds: Confirm seeds that it was given.
        diverged: How many of its own diverged; ``leader_diverged`` of the leader's on the same seeds.
    """

    rival: Chosen
    judgement: Judgement
    difference: PairedDifference | None = None
    interval: Interval | None = None
    seeds: int = 0
    diverged: int = 0
    leader_diverged: int = 0


@dataclass(frozen=True)
class Confirmation:
    """How confirmation stands.

    Attributes:
        level: Of each single judgement: ALPHA, divided by the looks and by the rivals (Bonferroni).
        judged: Each rival, in the order of tuning.
        missing: The trials that the next look lacks; empty if nothing is left to do.
    """

    level: float
    judged: tuple[Judged, ...]
    missing: tuple[PlannedTrial, ...] = field(default=())


def confirm(plan: Plan, chosen: Sequence[Chosen], ended: EndedTrials) -> Confirmation:
    """Judge every rival of the leader, look by look; who is decided gets no more seeds.

    Args:
        plan: What was asked.
        chosen: The contenders at their best rates, the leader first; at least one.
        ended: The trials that have ended.
    """
    leader, *rivals = chosen
    level = ALPHA / (max(1, len(plan.looks)) * max(1, len(rivals)))
    judged = {rival: Judged(rival, "undecided") for rival in rivals}
    for seeds in plan.looks:
        open_rivals = [rival for rival in rivals if judged[rival].judgement == "undecided"]
        if rivals and not open_rivals:
            break
        wanted = _trials([leader, *open_rivals], seeds)
        if missing := ended.missing(wanted):
            return Confirmation(level, tuple(judged.values()), missing)
        for rival in open_rivals:
            judged[rival] = _judge(leader, rival, seeds, level=level, plan=plan, ended=ended)
    return Confirmation(level, tuple(judged.values()))


def judgement_of(interval: Interval, margin: float) -> Judgement:
    """Return what an interval of the difference of a rival from the leader says of the rival."""
    least, most = interval
    if most < 0:
        return "worse"
    if least > 0:
        return "better"
    return "as good" if -margin <= least and most <= margin else "undecided"


def confirm_trials(chosen: Chosen, plan: Plan, ended: EndedTrials) -> tuple[Trial, ...]:
    """Return the confirm trials of a contender that have a result, by seed."""
    return ended.results(*chosen, _seeds(max(plan.looks, default=0)))


def _judge(leader: Chosen, rival: Chosen, seeds: int, *, level: float, plan: Plan, ended: EndedTrials) -> Judged:
    ours, theirs = (ended.results(*one, _seeds(seeds)) for one in (leader, rival))
    difference = paired_difference(theirs, ours, plan)
    interval = difference.interval(level) if difference and difference.seeds > 1 else None
    judgement = judgement_of(interval, plan.margin) if interval else "undecided"
    diverged, leader_diverged = (sum(trial.outcome == "diverged" for trial in each) for each in (theirs, ours))
    if judgement == "as good" and (diverged or leader_diverged):
        judgement = "undecided"  # what diverges now and then is a lottery ticket, whatever its mean
    return Judged(rival, judgement, difference, interval, seeds, diverged, leader_diverged)


def _seeds(count: int) -> range:
    return range(FIRST_CONFIRM_SEED, FIRST_CONFIRM_SEED + count)


def _trials(chosen: Sequence[Chosen], seeds: int) -> list[PlannedTrial]:
    return [contender.trial("confirm", rate, seed) for seed in _seeds(seeds) for contender, rate in chosen]

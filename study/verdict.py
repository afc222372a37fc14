"""What follows from a comparison, in words: first what to take, then each rival. All of it is from confirm trials."""

from __future__ import annotations

import math
from collections.abc import Sequence

from study.answer import JUDGEMENTS, Answer, Rival
from study.comparison import Contender, Trial
from study.metric import EPOCHS, NAMES, reached
from study.number_formats import counted, in_points, listed, points_interval, short_number
from study.plan import Plan


def verdict(answer: Answer, contenders: Sequence[Contender], plan: Plan) -> tuple[str, ...]:
    """Return what follows, a sentence each, the most important first."""
    if not contenders:
        return ("No trial has a result, so nothing follows.",)
    if answer.take is None:
        return (
            f"Nothing is best: no setting has a median {EPOCHS[plan.keep]} validation {NAMES[plan.metric]} above 0.",
        )
    by_label = {contender.label: contender for contender in contenders}
    taken = by_label[answer.take]
    if not answer.confirmed:
        return (_tuned_only(taken, plan), *_misses(contenders, plan))
    return (
        f"Take {taken.label} with learning rate {taken.learning_rate:g}{_why(answer, by_label, plan)}.",
        *_overturned(answer),
        *(_rival(rival, answer) for rival in answer.rivals),
        _median(taken, plan),
        *_misses(contenders, plan),
    )


def incomplete(trials: Sequence[Trial], missing: int) -> str:
    """Return that so many trials of the round have no result, in a sentence; nothing if none are missing."""
    if not missing:
        return ""
    outcomes = [trial.outcome for trial in trials]
    counts = ", ".join(f"{outcome} {outcomes.count(outcome)}" for outcome in ("completed", "diverged", "failed"))
    have = "has" if missing == 1 else "have"
    return f"So far {counts}: {counted(missing, 'trial')} {have} no result, and may change the answer."


def _tuned_only(best: Contender, plan: Plan) -> str:
    why = "no look at fresh seeds was asked for" if not plan.looks else "its confirm trials have not ended"
    return (
        f"Tuning puts {best.label} with learning rate {best.learning_rate:g} first, with a median {EPOCHS[plan.keep]} "
        f"validation {NAMES[plan.metric]} of {best.median:.4f} over {counted(best.seeds, 'seed')}; nothing is "
        f"confirmed, because {why}, so nothing is said about which is better."
    )


def _why(answer: Answer, contenders: dict[str, Contender], plan: Plan) -> str:
    """Return what speaks for the contender to take, to put behind its name."""
    rivals = {judgement: [one.label for one in answer.rivals if one.judgement == judgement] for judgement in JUDGEMENTS}
    if not answer.rivals:
        return ": there is no other contender to compare it with"
    if answer.take in rivals["better"]:
        difference = next(rival for rival in answer.rivals if rival.label == answer.take)
        by = f"{in_points(difference.difference or 0.0)}{points_interval(difference.interval)}"
        return f": better than {answer.leader}, which tuning had put first, by {by}"
    reasons = [_among_equals(answer, contenders, plan)] if rivals["as good"] else []
    if rivals["worse"]:
        leader = "it" if answer.take == answer.leader else str(answer.leader)
        is_are = "is" if len(rivals["worse"]) == 1 else "are"
        reasons.append(f"{listed(rivals['worse'])} {is_are} worse than {leader}")
    if not rivals["undecided"]:
        return f": {'; '.join(reasons)}"
    is_are = "is" if len(rivals["undecided"]) == 1 else "are"
    reasons.append(f"{listed(rivals['undecided'])} {is_are} not yet told from {answer.leader}")
    if answer.costs_at_most is not None:
        reasons.append(f"whichever is best, {answer.take} is at most {in_points(answer.costs_at_most)} behind it")
    return f" meanwhile: {'; '.join(reasons)}"


def _among_equals(answer: Answer, contenders: dict[str, Contender], plan: Plan) -> str:
    """Say which are as good, and what tells between them."""
    equals = [rival.label for rival in answer.rivals if rival.judgement == "as good"]
    within = f"within {in_points(plan.margin)}"
    cheaper = (
        _cheaper(contenders[str(answer.take)], contenders[answer.cheaper_than], plan) if answer.cheaper_than else ""
    )
    if answer.take != answer.leader:
        return f"as good as {answer.leader} {within}{', and ' if cheaper else ''}{cheaper}"
    is_are = "is" if len(equals) == 1 else "are"
    and_it = (
        f", and {answer.take} is {cheaper}" if cheaper else f", but not sooner at {reached(plan.target, plan.metric)}"
    )
    return f"{listed(equals)} {is_are} as good {within}{and_it}"


def _cheaper(taken: Contender, other: Contender, plan: Plan) -> str:
    """Say how much sooner a contender reaches the target, in epochs; `recommendation.cost` says why in these."""
    mine, theirs, target = taken.epochs_to_target, other.epochs_to_target, reached(plan.target, plan.metric)
    if math.isinf(theirs):
        return f"at {target} after {counted(mine, 'epoch')}, where most seeds of {other.label} never get"
    times = short_number(theirs / mine)
    epochs = f"{counted(mine, 'epoch')}, {other.label} {short_number(theirs)}"
    return f"{times} times as fast to {target} ({epochs})"


def _overturned(answer: Answer) -> list[str]:
    """Say what it means for the others that tuning's leader is not the best."""
    if not any(rival.judgement == "better" for rival in answer.rivals):
        return []
    said = f"Tuning was wrong about {answer.leader}, with which all others are compared"
    worse = [rival.label for rival in answer.rivals if rival.judgement == "worse"]
    follows = f"; what is worse than {answer.leader} is worse than {answer.take} too" if worse else ""
    return [f"{said}{follows}; nothing is said of {answer.take} against what is not."]


def _rival(rival: Rival, answer: Answer) -> str:
    seeds, interval = counted(rival.seeds, "confirm seed"), points_interval(rival.interval)
    if rival.difference is None:
        return f"{rival.label} is undecided: it has no confirm seed in common with {answer.leader}."
    by = f"{in_points(abs(rival.difference))}"
    differs = f"the difference is {in_points(rival.difference)}{interval} over {seeds}"
    if rival.judgement in ("worse", "better"):
        ends = rival.interval or (0.0, 0.0)
        size = points_interval((-ends[1], -ends[0]) if rival.judgement == "worse" else ends)
        return f"{rival.label} is {rival.judgement} than {answer.leader} by {by}{size}, over {seeds}."
    if rival.judgement == "as good":
        return f"{rival.label} is as good as {answer.leader} within {in_points(answer.margin)}: {differs}."
    return f"{rival.label} is undecided: {differs}{_lottery(rival, answer)}."


def _lottery(rival: Rival, answer: Answer) -> str:
    """Say that a setting diverges now and then, which keeps it from being as good as any other."""
    counts = [(rival.diverged, rival.label), (rival.leader_diverged, answer.leader)]
    said = [f"{count} of {label}" for count, label in counts if count]
    return f"; of these trials {listed(said)} diverged, and so it is never called as good" if said else ""


def _median(taken: Contender, plan: Plan) -> str:
    images = "each with validation images of its own" if plan.redraws else "all with the same validation images"
    return (
        f"{taken.label} has a median {EPOCHS[plan.keep]} validation {NAMES[plan.metric]} of {taken.median:.4f} over "
        f"{counted(taken.seeds, 'confirm seed')}, {images}."
    )


def _misses(contenders: Sequence[Contender], plan: Plan) -> list[str]:
    target = reached(plan.target, plan.metric)
    if not any(contender.reached for contender in contenders):
        return [f"No contender reaches {target}."]
    missing = [contender for contender in contenders if contender.reached < contender.seeds]
    shares = [f"{contender.label} {contender.reached} of {contender.seeds}" for contender in missing]
    return [f"Not every seed reaches {target}: {', '.join(shares)}."] if shares else []

"""What follows from a comparison, in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from study.comparison import Contender, Pair, Trial
from study.number_formats import accuracy_interval, counted, percent, short_interval, short_number

MOST_NAMED = 6  # pairs in one sentence; more are counted


def verdict(contenders: Sequence[Contender], pairs: Sequence[Pair], target: float) -> tuple[str, ...]:
    """Return what follows, a sentence each, the most important first. The contenders are ranked."""
    if not contenders:
        return ("No trial has a result, so nothing follows.",)
    best = contenders[0]
    if best.median == 0:
        return ("Nothing is best: no setting has a median final validation accuracy above 0.",)
    with_best = [pair for pair in pairs if pair.first == best.label]
    others = [pair for pair in pairs if pair.first != best.label and not pair.told_apart]
    sentences = (
        _best(best),
        *(_against(pair) for pair in with_best),
        _not_told_apart(others),
        _speed(best, with_best, target),
        _misses(contenders, target),
    )
    return tuple(sentence for sentence in sentences if sentence)


def incomplete(trials: Sequence[Trial], planned: int) -> str:
    """Return that planned trials have no result, in a sentence; nothing if all have one, were it that they failed."""
    missing = planned - len(trials)
    if not missing:
        return ""
    outcomes = [trial.outcome for trial in trials]
    counts = ", ".join(f"{outcome} {outcomes.count(outcome)}" for outcome in ("completed", "diverged", "failed"))
    have = "has" if missing == 1 else "have"
    return f"Planned {planned}, {counts}: {counted(missing, 'trial')} {have} no result, and may change the answer."


def _best(best: Contender) -> str:
    start = f"Best: {best.label} with learning rate {best.learning_rate:g}:"
    if best.interval is None:
        return f"{start} final validation accuracy {best.median:.4f} with 1 seed."
    middle = f"interquartile mean {best.interquartile_mean:.4f}{accuracy_interval(best.interval)}"
    return f"{start} median final validation accuracy {best.median:.4f} over {best.seeds} seeds, {middle}."


def _against(pair: Pair) -> str:
    """Say how a pair compares. The first has the higher median, and yet may be the worse one on average."""
    seeds, by = counted(pair.seeds, "seed"), f"{abs(pair.difference):.4f}"
    if not pair.told_apart:
        difference = f"{pair.difference:z.4f}{accuracy_interval(pair.interval)}"
        return f"{pair.first} and {pair.second} cannot be told apart with {seeds}: the difference is {difference}."
    if pair.difference < 0:
        less = f"but is worse by {by} on average over these {seeds}: neither is clearly better"
        return f"{pair.first} has a higher median than {pair.second}, {less}."
    by = f"by {by}{accuracy_interval(pair.interval)} in final validation accuracy"
    if pair.probability == 1:
        return f"{pair.first} beats {pair.second} on every one of {seeds}, {by}."
    share = f"on {percent(round(pair.probability, 2))} of them, ties as half"
    return f"{pair.first} beats {pair.second} on average over {seeds}, {by} ({share})."


def _not_told_apart(pairs: Sequence[Pair]) -> str:
    if not pairs:
        return ""
    fewest, most = min(pair.seeds for pair in pairs), max(pair.seeds for pair in pairs)
    seeds = counted(most, "seed") if fewest == most else f"{fewest} to {most} seeds"
    if len(pairs) == 1:
        return f"{pairs[0].first} and {pairs[0].second} cannot be told apart with {seeds}."
    named = "; ".join(f"{pair.first} and {pair.second}" for pair in pairs)
    if len(pairs) > MOST_NAMED:
        return f"Among the others, {len(pairs)} pairs cannot be told apart with {seeds}."
    return f"Among the others, these cannot be told apart with {seeds}: {named}."


def _speed(best: Contender, pairs: Iterable[Pair], target: float) -> str:
    if math.isinf(best.epochs_to_target):
        return ""
    epochs = f"{counted(best.epochs_to_target, 'epoch')}{short_interval(best.epochs_interval)}"
    ratios = [
        f"{short_number(pair.epochs_ratio)} times the epochs of "
        f"{pair.second}{short_interval(pair.epochs_ratio_interval)}"
        for pair in pairs
        if pair.epochs_ratio is not None
    ]
    median = "a median of " if best.seeds > 1 else ""
    return f"{best.label} reaches {percent(target)} in {median}{epochs}{': ' if ratios else ''}{', '.join(ratios)}."


def _misses(contenders: Sequence[Contender], target: float) -> str:
    if not any(contender.reached for contender in contenders):
        return f"No contender reaches {percent(target)}."
    missing = [contender for contender in contenders if contender.reached < contender.seeds]
    shares = [f"{contender.label} {contender.reached} of {contender.seeds}" for contender in missing]
    return f"Not every seed reaches {percent(target)}: {', '.join(shares)}." if shares else ""

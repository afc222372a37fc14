"""What a comparison says in words: what follows from it, and what does not, or not yet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations

from study.comparison import Contender, Interval, Pair, Setting

FEW_SEEDS = 5  # below this, a bootstrap has too few values to draw from
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


def cautions(
    contenders: Sequence[Contender], pairs: Sequence[Pair], settings: Sequence[Setting], left_out: Sequence[str]
) -> tuple[str, ...]:
    """Return what does not follow, or not yet, a sentence each. ``left_out`` are contenders without any result."""
    sentences = (
        _nothing_to_compare(contenders),
        _single_seed(contenders),
        _few_seeds(contenders),
        *(_edge(contender) for contender in contenders),
        _one_learning_rate(contenders),
        _diverged(contenders, settings),
        _failed(contenders),
        f"Nothing is known of {_listed(left_out)}: every trial failed." if left_out else "",
        *_without_a_pair(contenders, pairs),
        _chosen_on_the_same_seeds(contenders),
    )
    return tuple(sentence for sentence in sentences if sentence)


def _best(best: Contender) -> str:
    start = f"Best: {best.label} with learning rate {best.learning_rate:g}:"
    if best.interval is None:
        return f"{start} final validation accuracy {best.median:.4f} with 1 seed."
    middle = f"interquartile mean {best.interquartile_mean:.4f}{_accuracies(best.interval)}"
    return f"{start} median final validation accuracy {best.median:.4f} over {best.seeds} seeds, {middle}."


def _against(pair: Pair) -> str:
    """Say how a pair compares. The first has the higher median, and yet may be the worse one on average."""
    seeds, by = _count(pair.seeds, "seed"), f"{abs(pair.difference):.4f}"
    if not pair.told_apart:
        difference = f"{pair.difference:z.4f}{_accuracies(pair.interval)}"
        return f"{pair.first} and {pair.second} cannot be told apart with {seeds}: the difference is {difference}."
    if pair.difference < 0:
        less = f"but is worse by {by} on average over these {seeds}: neither is clearly better"
        return f"{pair.first} has a higher median than {pair.second}, {less}."
    by = f"by {by}{_accuracies(pair.interval)} in final validation accuracy"
    if pair.probability == 1:
        return f"{pair.first} beats {pair.second} on every one of {seeds}, {by}."
    share = f"on {_percent(round(pair.probability, 2))} of them, ties as half"
    return f"{pair.first} beats {pair.second} on average over {seeds}, {by} ({share})."


def _not_told_apart(pairs: Sequence[Pair]) -> str:
    if not pairs:
        return ""
    fewest, most = min(pair.seeds for pair in pairs), max(pair.seeds for pair in pairs)
    seeds = _count(most, "seed") if fewest == most else f"{fewest} to {most} seeds"
    if len(pairs) == 1:
        return f"{pairs[0].first} and {pairs[0].second} cannot be told apart with {seeds}."
    named = "; ".join(f"{pair.first} and {pair.second}" for pair in pairs)
    if len(pairs) > MOST_NAMED:
        return f"Among the others, {len(pairs)} pairs cannot be told apart with {seeds}."
    return f"Among the others, these cannot be told apart with {seeds}: {named}."


def _speed(best: Contender, pairs: Iterable[Pair], target: float) -> str:
    if math.isinf(best.epochs_to_target):
        return ""
    epochs = f"{_count(best.epochs_to_target, 'epoch')}{_lengths(best.epochs_interval)}"
    ratios = [
        f"{_short(pair.epochs_ratio)} times the epochs of {pair.second}{_lengths(pair.epochs_ratio_interval)}"
        for pair in pairs
        if pair.epochs_ratio is not None
    ]
    median = "a median of " if best.seeds > 1 else ""
    return f"{best.label} reaches {_percent(target)} in {median}{epochs}{': ' if ratios else ''}{', '.join(ratios)}."


def _misses(contenders: Sequence[Contender], target: float) -> str:
    if not any(contender.reached for contender in contenders):
        return f"No contender reaches {_percent(target)}."
    missing = [contender for contender in contenders if contender.reached < contender.seeds]
    shares = [f"{contender.label} {contender.reached} of {contender.seeds}" for contender in missing]
    return f"Not every seed reaches {_percent(target)}: {', '.join(shares)}." if shares else ""


def _nothing_to_compare(contenders: Sequence[Contender]) -> str:
    if not contenders:
        return "There is no contender: nothing is compared."
    return f"There is no contender but {contenders[0].label}: it is compared with none." if len(contenders) == 1 else ""


def _single_seed(contenders: Sequence[Contender]) -> str:
    single = [contender.label for contender in contenders if contender.seeds == 1]
    if not single:
        return ""
    return (
        f"Only one seed of {_listed(single)} has a result: no interval, and nothing to tell apart by; run more seeds."
    )


def _few_seeds(contenders: Sequence[Contender]) -> str:
    """Say how rough intervals of few seeds are."""
    few = sorted({contender.seeds for contender in contenders if 1 < contender.seeds < FEW_SEEDS})
    if not few:
        return ""
    seeds = " or ".join(map(str, few))
    return f"Intervals of medians and interquartile means from {seeds} seeds are rough, and too narrow on average."


def _edge(contender: Contender) -> str:
    label, rate, rates = contender.label, contender.learning_rate, contender.learning_rates
    if not contender.at_edge or len(rates) == 1:
        return ""
    which, where = ("smallest", "below") if rate == rates[0] else ("largest", "above")
    return (
        f"{label} is best with the {which} of its learning rates, {rate:g} of {rates[0]:g} to {rates[-1]:g}: "
        f"the answer for {label} is not to be trusted until the range is wider; try {where} {rate:g}."
    )


def _one_learning_rate(contenders: Sequence[Contender]) -> str:
    one = [contender.label for contender in contenders if len(contender.learning_rates) == 1]
    if not one:
        return ""
    return f"Only one learning rate was tried with {_listed(one)}: the ranking is of these settings, not of optimizers."


def _diverged(contenders: Sequence[Contender], settings: Iterable[Setting]) -> str:
    """Say which trials diverged at a chosen learning rate; at another they cost nothing."""
    diverged = {_described(setting): setting.diverged for setting in settings}
    counts = [(diverged[_described(one)], one) for one in contenders]
    shares = [f"{count} of {_count(one.seeds, 'trial')} of {one.label}" for count, one in counts if count]
    return f"Diverged at the best learning rate, and counted as accuracy 0: {', '.join(shares)}." if shares else ""


def _failed(contenders: Sequence[Contender]) -> str:
    counts = [f"{contender.failed} of {contender.label}" for contender in contenders if contender.failed]
    return f"Failed trials, which count for nothing: {', '.join(counts)}." if counts else ""


def _without_a_pair(contenders: Sequence[Contender], pairs: Iterable[Pair]) -> Iterable[str]:
    compared = {(pair.first, pair.second) for pair in pairs}
    every = combinations((contender.label for contender in contenders), 2)
    return [
        f"{first} and {second} have no seed in common." for first, second in every if (first, second) not in compared
    ]


def _chosen_on_the_same_seeds(contenders: Sequence[Contender]) -> str:
    counts = {len(contender.learning_rates) for contender in contenders}
    if max(counts, default=1) == 1:
        return ""
    more = ", most of all where more learning rates were tried" if len(counts) > 1 else ""
    return f"Each best learning rate was chosen on the seeds that it is ranked by, which flatters it{more}."


def _described(one: Setting | Contender) -> tuple[str, str, int, float]:
    return one.optimizer, one.loss, one.batch_size, one.learning_rate


def _accuracies(interval: Interval | None) -> str:
    """Return an interval to put behind a number; nothing if there is none."""
    return f" [{interval[0]:z.4f}, {interval[1]:z.4f}]" if interval else ""


def _lengths(interval: Interval | None) -> str:
    """Likewise of epochs, or of how many times as many."""
    return f" [{_short(interval[0])}, {_short(interval[1])}]" if interval else ""


def _count(number: float, what: str) -> str:
    return f"{_short(number)} {what}{'' if number == 1 else 's'}"


def _short(number: float) -> str:
    """Return a number with two digits after the point at most."""
    return "never" if math.isinf(number) else f"{number:.2f}".rstrip("0").rstrip(".")


def _percent(share: float) -> str:
    return f"{100 * share:.10g} %"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([*filter(None, [", ".join(names[:-1])]), names[-1]])

"""What does not follow from a comparison, or not yet, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from study.comparison import Contender, Pair, Setting
from study.number_formats import counted, listed

FEW_SEEDS = 5  # below this, a bootstrap has too few values to draw from


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
        f"Nothing is known of {listed(left_out)}: every trial failed." if left_out else "",
        *_without_a_pair(contenders, pairs),
        _chosen_on_the_same_seeds(contenders),
    )
    return tuple(sentence for sentence in sentences if sentence)


def _nothing_to_compare(contenders: Sequence[Contender]) -> str:
    if not contenders:
        return "There is no contender: nothing is compared."
    return f"There is no contender but {contenders[0].label}: it is compared with none." if len(contenders) == 1 else ""


def _single_seed(contenders: Sequence[Contender]) -> str:
    single = [contender.label for contender in contenders if contender.seeds == 1]
    if not single:
        return ""
    return f"Only one seed of {listed(single)} has a result: no interval, and nothing to tell apart by; run more seeds."


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
    return f"Only one learning rate was tried with {listed(one)}: the ranking is of these settings, not of optimizers."


def _diverged(contenders: Sequence[Contender], settings: Iterable[Setting]) -> str:
    """Say which trials diverged at a chosen learning rate; at another they cost nothing."""
    diverged = {_described(setting): setting.diverged for setting in settings}
    counts = [(diverged[_described(one)], one) for one in contenders]
    shares = [f"{count} of {counted(one.seeds, 'trial')} of {one.label}" for count, one in counts if count]
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

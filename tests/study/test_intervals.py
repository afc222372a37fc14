"""Averages and intervals, against numbers worked out by hand or over all resamples."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import pytest

from study.comparison import Interval
from study.statistics import compare_trials
from tests.support.trials import TARGET, exact, finals, only, reaching, trial


def test_the_interquartile_mean_leaves_out_a_quarter_at_either_end() -> None:
    contender = only(compare_trials(finals("adam", [0.9, 0.1, 0.5, 0.6]), TARGET))
    assert contender.interquartile_mean == pytest.approx(0.55)
    assert contender.median == pytest.approx(0.55)
    wide = only(compare_trials(finals("adam", [0.0, 0.1, 0.4, 0.5, 0.6, 0.9, 0.95, 1.0]), TARGET))
    assert wide.interquartile_mean == pytest.approx((0.4 + 0.5 + 0.6 + 0.9) / 4)


@pytest.mark.parametrize("accuracies", [[0.7, 0.8, 0.93], [0.5, 0.6, 0.8, 0.9, 0.95]])
def test_the_interval_is_that_of_all_resamples(accuracies: list[float]) -> None:
    def trimmed(drawn: Sequence[float]) -> float:
        cut = len(drawn) // 4
        return statistics.fmean(sorted(drawn)[cut : len(drawn) - cut])

    contender = only(compare_trials(finals("adam", accuracies), TARGET))
    assert contender.interval == pytest.approx(exact(trimmed, accuracies), abs=0.01)


@pytest.mark.parametrize(
    ("epochs", "median", "reached"),
    [
        ([2, 4, 0], 4, 2),
        ([2, 0, 0], math.inf, 1),
        ([2, 4], 3, 2),
        ([2, 0], math.inf, 1),
        ([0, 0], math.inf, 0),
        ([2, 4, 0, 0], math.inf, 2),
        ([2, 4, 6, 0], 5, 3),
    ],
)
def test_a_miss_stays_infinite_through_the_median(epochs: list[int], median: float, reached: int) -> None:
    contender = only(compare_trials(reaching("adam", epochs), TARGET))
    assert (contender.epochs_to_target, contender.reached) == (median, reached)
    assert contender.steps_to_target == 10 * median
    seconds = [first**2 if first else math.inf for first in epochs]  # 1 + 3 + 5 + ...
    assert contender.seconds_to_target == statistics.median(seconds)
    assert contender.epochs_interval is not None
    assert not any(math.isnan(end) for end in contender.epochs_interval)


@pytest.mark.parametrize(
    ("epochs", "interval"),
    [
        ([2, 4, 6], (2, 6)),  # 7 of the 27 resamples have the median 2
        ([2, 4, 0], (2, math.inf)),
        ([2, 0], (2, math.inf)),
        ([0, 0, 0], (math.inf, math.inf)),
        ([3, 3, 3], (3, 3)),
        ([1] * 9 + [6], (1, 1)),
    ],
)
def test_the_interval_of_the_epochs(epochs: list[int], interval: Interval) -> None:
    assert only(compare_trials(reaching("adam", epochs), TARGET)).epochs_interval == interval


def test_the_interval_of_the_epochs_is_that_of_all_resamples() -> None:
    epochs = [1, 2, 3, 5, 6]
    found = only(compare_trials(reaching("adam", epochs), TARGET)).epochs_interval
    assert found == exact(statistics.median, epochs)


@pytest.mark.parametrize("accuracies", [[0.1] * 3, [1 / 3] * 7, [0.0, 0.0], [0.9861] * 12])
def test_equal_values_have_an_interval_of_no_width(accuracies: list[float]) -> None:
    lower = [value / 2 for value in accuracies]
    comparison = compare_trials([*finals("adam", accuracies), *finals("sgd", lower)], TARGET)
    for contender, values in zip(comparison.contenders, (accuracies, lower), strict=True):
        assert contender.interquartile_mean == contender.median == values[0]
        assert contender.interval == (values[0], values[0])
    (pair,) = comparison.pairs
    assert pair.interval == (pair.difference, pair.difference) == pytest.approx((lower[0], lower[0]))
    assert pair.told_apart == (lower[0] > 0)


def test_a_single_seed_has_no_interval_and_tells_nobody_apart() -> None:
    comparison = compare_trials([trial(0.99), trial(0.91, optimizer="sgd")], TARGET)
    assert [(one.interval, one.epochs_interval) for one in comparison.contenders] == [(None, None)] * 2
    (pair,) = comparison.pairs
    assert (pair.seeds, pair.probability, pair.interval, pair.told_apart) == (1, 1.0, None, False)
    assert (pair.epochs_ratio, pair.epochs_ratio_interval) == (1.0, None)
    assert pair.difference == pytest.approx(0.08)


def test_resampling_is_the_same_every_time() -> None:
    epochs = {"adam": [n * n % 199 for n in range(1, 31)], "sgd": [n * n % 211 for n in range(1, 31)]}
    trials = [
        trial(*[0.1] * first, 0.95 - first / 1e6, optimizer=name, seed=seed)
        for name, firsts in epochs.items()
        for seed, first in enumerate(firsts)
    ]
    comparison = compare_trials(trials, TARGET)
    assert comparison.pairs[0].epochs_ratio_interval is not None
    assert {compare_trials(trials, TARGET).model_dump_json() for _ in range(5)} == {comparison.model_dump_json()}

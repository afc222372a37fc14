"""Averages and intervals, against numbers worked out by hand or over all resamples."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np
import pytest

from study.comparison import Interval
from study.intervals import interquartile_mean
from tests.support.trials import compared, confirms, exact, finals, only, reaching, trial


def test_the_interquartile_mean_leaves_out_a_quarter_at_either_end() -> None:
    contender = only(compared(finals("adam", [0.9, 0.1, 0.5, 0.6])))
    assert contender.interquartile_mean == pytest.approx(0.55)
    assert contender.median == pytest.approx(0.55)
    wide = only(compared(finals("adam", [0.0, 0.1, 0.4, 0.5, 0.6, 0.9, 0.95, 1.0])))
    assert wide.interquartile_mean == pytest.approx((0.4 + 0.5 + 0.6 + 0.9) / 4)


def test_the_interquartile_mean_of_many_samples_along_either_axis() -> None:
    samples = np.array([[0.9, 0.1, 0.5, 0.6], [0.2, 0.2, 0.3, 0.9]])
    assert interquartile_mean(samples) == pytest.approx([0.55, 0.25])
    assert interquartile_mean(samples.T, axis=0) == pytest.approx([0.55, 0.25])


@pytest.mark.parametrize("accuracies", [[0.7, 0.8, 0.93], [0.5, 0.6, 0.8, 0.9, 0.95]])
def test_the_interval_is_that_of_all_resamples(accuracies: list[float]) -> None:
    def trimmed(drawn: Sequence[float]) -> float:
        cut = len(drawn) // 4
        return statistics.fmean(sorted(drawn)[cut : len(drawn) - cut])

    contender = only(compared(finals("adam", accuracies)))
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
    contender = only(compared(reaching("adam", epochs)))
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
    assert only(compared(reaching("adam", epochs))).epochs_interval == interval


def test_the_interval_of_the_epochs_is_that_of_all_resamples() -> None:
    epochs = [1, 2, 3, 5, 6]
    assert only(compared(reaching("adam", epochs))).epochs_interval == exact(statistics.median, epochs)


@pytest.mark.parametrize("accuracies", [[0.1] * 3, [1 / 3] * 7, [0.0, 0.0], [0.9861] * 12])
def test_equal_values_have_an_interval_of_no_width(accuracies: list[float]) -> None:
    contender = only(compared(finals("adam", accuracies)))
    assert contender.interquartile_mean == contender.median == accuracies[0]
    assert contender.interval == (accuracies[0], accuracies[0])


def test_a_single_seed_has_no_interval_and_judges_nobody() -> None:
    trials = [trial(0.99), trial(0.91, optimizer="sgd"), *confirms("adam", [0.99]), *confirms("sgd", [0.91])]
    comparison = compared(trials, looks=(1,))
    assert [(one.interval, one.epochs_interval) for one in comparison.contenders] == [(None, None)] * 2
    (rival,) = comparison.answer.rivals
    assert (rival.judgement, rival.difference, rival.interval, rival.seeds) == (
        "undecided",
        pytest.approx(-0.08),
        None,
        1,
    )


def test_resampling_is_the_same_every_time() -> None:
    epochs = {"adam": [n * n % 199 for n in range(1, 31)], "sgd": [n * n % 211 for n in range(1, 31)]}
    trials = [
        trial(*[0.1] * first, 0.95 - first / 1e6, optimizer=name, seed=seed)
        for name, firsts in epochs.items()
        for seed, first in enumerate(firsts)
    ]
    comparison = compared(trials)
    assert {compared(trials).model_dump_json() for _ in range(5)} == {comparison.model_dump_json()}

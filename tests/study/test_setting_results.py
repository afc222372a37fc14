"""What the trials of a setting came to, and which of two settings is the better."""

from __future__ import annotations

import math

import pytest

from study.comparison import Trial
from tests.support.trials import SEEDS, compared, finals, only, reaching, trial


def test_a_trial_counts_with_its_last_epoch_and_its_best_one_is_told_too() -> None:
    contender = only(compared([trial(0.2, 0.8, 0.7), trial(0.5, 0.4, seed=1)]))
    assert contender.scores == (0.7, 0.4)
    assert contender.median == pytest.approx(0.55)
    assert contender.best_score == pytest.approx(0.65)


def test_first_epoch_at_the_target_with_its_steps_and_seconds() -> None:
    contender = only(compared([trial(0.1, 0.9, 0.2, 0.95)]))
    assert (contender.epochs_to_target, contender.steps_to_target, contender.seconds_to_target) == (2, 20, 1 + 3)
    assert (contender.reached, contender.epochs_interval) == (1, None)


def test_a_diverged_trial_counts_as_nothing_right_and_as_a_miss() -> None:
    diverged = trial(0.95, seed=2, outcome="diverged", reason="loss is nan in epoch 2")
    comparison = compared([*finals("adam", [0.92, 0.94]), diverged])
    contender = only(comparison)
    assert contender.scores == comparison.settings[0].scores == (0.92, 0.94, 0.0)
    assert contender.median == comparison.settings[0].median == 0.92
    assert (contender.seeds, contender.diverged, contender.failed, contender.reached) == (3, 1, 0, 2)
    alone = only(compared([diverged]))
    assert (alone.median, alone.best_score, alone.epochs_to_target) == (0, 0, math.inf)


def test_a_failed_trial_says_nothing() -> None:
    failed = trial(0.1, seed=2, outcome="failed", reason="no space left")
    comparison = compared([*finals("adam", [0.92, 0.94]), failed])
    contender, without = only(comparison), only(compared(finals("adam", [0.92, 0.94])))
    assert contender == without.model_copy(update={"failed": 1})
    assert (comparison.settings[0].scores, comparison.settings[0].failed) == ((0.92, 0.94), 1)
    assert len(comparison.trials) == 3


def test_a_setting_whose_trials_all_failed_was_tried_but_cannot_be_the_best() -> None:
    failed = [trial(0.99, learning_rate=0.1, seed=seed, outcome="failed") for seed in SEEDS]
    comparison = compared([*failed, *finals("adam", [0.5, 0.6, 0.7], learning_rate=0.01)])
    assert [setting.median for setting in comparison.settings] == [0.6, None]
    assert comparison.settings[1].scores == ()
    contender = only(comparison)
    assert (contender.learning_rate, contender.learning_rates, contender.failed) == (0.01, (0.01, 0.1), 3)


@pytest.mark.parametrize(
    ("best", "other"),
    [
        (finals("adam", [0.1, 0.6, 0.6]), finals("adam", [0.5, 0.5, 0.9], learning_rate=0.001)),  # the median
        (finals("adam", [0.5, 0.6, 0.9]), finals("adam", [0.5, 0.6, 0.8], learning_rate=0.001)),  # then the mean
        (reaching("adam", [2, 3, 4]), reaching("adam", [4, 4, 4], learning_rate=0.001)),  # then the epochs
        (reaching("adam", [4, 4]), reaching("adam", [1, 0], learning_rate=0.001)),
        (
            finals("adam", [0.3, 0.8, 0.5, 0.1, 0.3, 0.7, 0.3]),  # in this order they add up to less than in the other
            finals("adam", [0.8, 0.3, 0.7, 0.3, 0.3, 0.5, 0.1], learning_rate=0.1),  # then the rate
        ),
    ],
)
def test_the_best_learning_rate(best: list[Trial], other: list[Trial]) -> None:
    assert only(compared([*other, *best])).learning_rate == 0.01

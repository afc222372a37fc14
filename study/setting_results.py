"""The trials of one setting that have a result, and what they came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from study.comparison import Trial
from study.intervals import Values, interquartile_mean, median


@dataclass(frozen=True)
class SettingResults:
    """The trials of one setting that have a result, by ascending seed; there is at least one."""

    trials: tuple[Trial, ...]
    target: float

    @cached_property
    def scores(self) -> Values:
        """Score by seed, 0 where it diverged."""
        return np.array([trial.score for trial in self.trials])

    @cached_property
    def best_scores(self) -> Values:
        """Validation score of the best epoch by seed, likewise."""
        return np.array([max(trial.scores) if _completed(trial) else 0.0 for trial in self.trials])

    @cached_property
    def epochs(self) -> Values:
        """Epochs to the target by seed, infinite for a miss."""
        return np.array([trial.epochs_to(self.target) for trial in self.trials])

    @cached_property
    def steps(self) -> Values:
        """Optimizer steps to the target, likewise."""
        return self.epochs * [trial.steps_per_epoch for trial in self.trials]

    @cached_property
    def seconds(self) -> Values:
        """Seconds to the target, likewise."""
        return np.array([trial.seconds_to(self.target) for trial in self.trials])

    @cached_property
    def rank(self) -> tuple[float, float, float, float]:
        """What the better of two settings has less of."""
        middle = float(interquartile_mean(self.scores))
        return -median(self.scores), -middle, median(self.epochs), self.trials[0].learning_rate

    @property
    def seeds(self) -> set[int]:
        """The seeds that have a result."""
        return {trial.seed for trial in self.trials}

    def on(self, seeds: set[int]) -> SettingResults:
        """Return the results of these seeds alone."""
        return replace(self, trials=tuple(trial for trial in self.trials if trial.seed in seeds))


def results_of(trials: Sequence[Trial], target: float) -> SettingResults | None:
    """Return the results of a setting; none if all of its trials failed, which says nothing about it."""
    ended = tuple(trial for trial in trials if trial.outcome != "failed")
    return SettingResults(ended, target) if ended else None


def _completed(trial: Trial) -> bool:
    return trial.outcome == "completed"

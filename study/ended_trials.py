"""The trials of a comparison that have ended, by setting and seed: the same whatever the order they ended in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from study.comparison import Trial
from study.plan import ContenderPlan, PlannedTrial

_Setting = tuple[str, str, int, float]


class EndedTrials:
    """Trials that have ended, were it that they failed.

    Args:
        trials: In any order; of several of one setting and seed the last by run counts that did not fail.
    """

    def __init__(self, trials: Iterable[Trial]) -> None:
        self._by_setting: dict[_Setting, dict[int, Trial]] = {}
        for trial in sorted(trials, key=lambda one: (one.outcome != "failed", one.run_id)):
            setting = trial.optimizer, trial.loss, trial.batch_size, trial.learning_rate
            self._by_setting.setdefault(setting, {})[trial.seed] = trial

    def __contains__(self, planned: PlannedTrial) -> bool:
        setting = planned.optimizer, planned.loss, planned.batch_size, planned.learning_rate
        return planned.seed in self._by_setting.get(setting, ())

    def missing(self, planned: Iterable[PlannedTrial]) -> tuple[PlannedTrial, ...]:
        """Return those that have not ended, in their order."""
        return tuple(trial for trial in planned if trial not in self)

    def have(self, contender: ContenderPlan, rate: float, seeds: Sequence[int]) -> bool:
        """Return whether all of these seeds of a setting have ended."""
        ended = self._of(contender, rate)
        return all(seed in ended for seed in seeds)

    def results(self, contender: ContenderPlan, rate: float, seeds: Sequence[int]) -> tuple[Trial, ...]:
        """Return the trials of a setting that have a result, by ascending seed of ``seeds``."""
        ended = self._of(contender, rate)
        return tuple(ended[seed] for seed in seeds if seed in ended and ended[seed].outcome != "failed")

    def every(self, contender: ContenderPlan, rate: float) -> tuple[Trial, ...]:
        """Return all trials of a setting, by ascending seed."""
        return tuple(trial for _, trial in sorted(self._of(contender, rate).items()))

    def _of(self, contender: ContenderPlan, rate: float) -> dict[int, Trial]:
        return self._by_setting.get((contender.optimizer, contender.loss, contender.batch_size, rate), {})

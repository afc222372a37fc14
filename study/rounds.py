"""What a comparison runs next: a pure function of what was asked and of the trials that have ended.

No clock, no order of arrival and no random state enters it, so that the trials, and with them the answer, are the same
with any number of workers, and after any kill.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from study.comparison import Trial
from study.confirmation import Chosen, confirm
from study.ended_trials import EndedTrials
from study.plan import ContenderPlan, Plan, PlannedTrial
from study.setting_results import SettingResults
from study.tuning import learns, tuned, tuning_round


def next_round(plan: Plan, trials: Iterable[Trial]) -> tuple[PlannedTrial, ...]:
    """Return the trials that are to run now, all of them side by side; none if the comparison is over.

    Args:
        plan: What was asked.
        trials: Those that have ended, in any order. One that failed counts as ended; leave it out to have it run again.
    """
    ended = EndedTrials(trials)
    if missing := tuning_round(plan, ended):
        return missing
    best = tuned(plan, ended)
    if not plan.looks or not learns(best):
        return ()
    return confirm(plan, chosen_of(best), ended).missing


def chosen_of(best: Mapping[ContenderPlan, SettingResults]) -> list[Chosen]:
    """Return each contender with its best learning rate, in the order given."""
    return [(contender, results.trials[0].learning_rate) for contender, results in best.items()]

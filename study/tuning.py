"""Tuning: which learning rates of a contender are tried, which is the best, and which contender leads."""

from __future__ import annotations

from collections.abc import Mapping

from study.ended_trials import EndedTrials
from study.plan import ContenderPlan, Plan, PlannedTrial, Round
from study.setting_results import SettingResults, results_of


def tuning_round(plan: Plan, ended: EndedTrials) -> tuple[PlannedTrial, ...]:
    """Return the trials that tuning lacks: those of the rates that were asked for, then those of rates that are added.

    While a contender's best rate is an outermost one, the next rate on that side is added for all tuning seeds: until
    it is worse by the median, which it is if all of its trials diverge, or no more are allowed.
    """
    asked = _trials("tune", plan, {contender: contender.learning_rates for contender in plan.contenders})
    if missing := ended.missing(asked):
        return missing
    added = {
        contender: tuple(rate for rate in rates_tried(contender, plan, ended) if rate not in contender.learning_rates)
        for contender in plan.contenders
    }
    return ended.missing(_trials("extend", plan, added))


def rates_tried(contender: ContenderPlan, plan: Plan, ended: EndedTrials) -> tuple[float, ...]:
    """Return the rates that are tried with a contender as far as trials have shown which, ascending."""
    rates, below, above = [*contender.learning_rates], [*contender.below], [*contender.above]
    while (below or above) and len(rates) > 1 and all(ended.have(contender, rate, range(plan.seeds)) for rate in rates):
        best = _best(contender, rates, plan, ended)
        rate = best.trials[0].learning_rate if best else None
        if rate == rates[0] and below:
            rates.insert(0, below.pop(0))
        elif rate == rates[-1] and above:
            rates.append(above.pop(0))
        else:
            break
    return tuple(rates)


def tuned(plan: Plan, ended: EndedTrials) -> dict[ContenderPlan, SettingResults]:
    """Return what each contender came to at its best rate, on tuning seeds, the leader first.

    A contender without any result is left out.
    """
    best = {
        contender: results
        for contender in plan.contenders
        if (results := _best(contender, rates_tried(contender, plan, ended), plan, ended))
    }
    return dict(sorted(best.items(), key=lambda item: (item[1].rank, *_name(item[0]))))


def learns(tuned_contenders: Mapping[ContenderPlan, SettingResults]) -> bool:
    """Return whether any contender came to more than nothing, so that there is something to confirm."""
    return any(results.rank[0] < 0 for results in tuned_contenders.values())


def _best(
    contender: ContenderPlan, rates: tuple[float, ...] | list[float], plan: Plan, ended: EndedTrials
) -> SettingResults | None:
    """Return the results of the best of some rates; none if none of them has any."""
    by_rate = (results_of(ended.results(contender, rate, range(plan.seeds)), plan.target) for rate in rates)
    return min((results for results in by_rate if results), key=lambda results: results.rank, default=None)


def _trials(kind: Round, plan: Plan, rates: Mapping[ContenderPlan, tuple[float, ...]]) -> list[PlannedTrial]:
    """Return all settings with the first seed, then all with the next: what ends early has something of everything."""
    return [
        contender.trial(kind, rate, seed)
        for seed in range(plan.seeds)
        for contender in plan.contenders
        for rate in rates[contender]
    ]


def _name(contender: ContenderPlan) -> tuple[str, str, int]:
    return contender.optimizer, contender.loss, contender.batch_size

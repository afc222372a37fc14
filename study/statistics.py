"""What follows from the trials of a comparison: its settings, its contenders, the answer, and the words for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from study.cautions import cautions
from study.comparison import Comparison, Contender, Setting, Trial
from study.confirmation import Chosen, confirm, confirm_trials
from study.doubt_sentences import doubt_sentences
from study.ended_trials import EndedTrials
from study.intervals import bootstrap_interval, interquartile_mean, median, median_interval
from study.plan import ContenderPlan, Plan
from study.recommendation import recommend
from study.rounds import chosen_of
from study.setting_results import SettingResults, results_of
from study.short_names import short_names
from study.tuning import learns, rates_tried, tuned
from study.verdict import verdict


def compare_trials(plan: Plan, trials: Iterable[Trial]) -> Comparison:
    """Return what follows from trials, of which there is one for each setting and seed.

    Args:
        plan: What was asked.
        trials: Those that have ended, in any order; the answer does not depend on it.
    """
    ordered = tuple(sorted(trials, key=lambda trial: (*_setting_of(trial), trial.seed, trial.run_id)))
    ended = EndedTrials(ordered)
    best = tuned(plan, ended)
    chosen = chosen_of(best)
    contenders = tuple(
        _contender(one, confirm_trials(one, plan, ended) or best[one[0]].trials, plan, ended, ordered) for one in chosen
    )
    confirmation = confirm(plan, chosen, ended) if learns(best) else None
    answer = recommend(plan, contenders, confirmation)
    settings = tuple(
        _setting(contender, rate, plan, ended, dict(chosen))
        for contender in sorted(plan.contenders, key=_described)
        for rate in rates_tried(contender, plan, ended)
    )
    left_out = [label_of(contender, plan) for contender in plan.contenders if contender not in best]
    return Comparison(
        metric=plan.metric,
        keep=plan.keep,
        target=plan.target,
        redraws=plan.redraws,
        trials=ordered,
        settings=settings,
        contenders=contenders,
        answer=answer,
        verdict=verdict(answer, contenders, plan),
        doubt=doubt_sentences(answer, plan.metric),
        cautions=cautions(plan, contenders, settings, answer, left_out=sorted(left_out)),
    )


def label_of(contender: ContenderPlan, plan: Plan) -> str:
    """Return a contender's name: the optimizer, and what else differs among all contenders."""
    losses, batch_sizes = ({getattr(one, name) for one in plan.contenders} for name in ("loss", "batch_size"))
    loss = [short_names(losses)[contender.loss]] if len(losses) > 1 else []
    batch_size = [f"batch_size={contender.batch_size}"] if len(batch_sizes) > 1 else []
    optimizers = short_names({one.optimizer for one in plan.contenders})
    return " ".join([optimizers[contender.optimizer], *loss, *batch_size])


def _setting_of(trial: Trial) -> tuple[str, str, int, float]:
    return trial.optimizer, trial.loss, trial.batch_size, trial.learning_rate


def _described(contender: ContenderPlan) -> tuple[str, str, int]:
    return contender.optimizer, contender.loss, contender.batch_size


def _count(trials: Sequence[Trial], outcome: str) -> int:
    return sum(trial.outcome == outcome for trial in trials)


def _setting(
    contender: ContenderPlan, rate: float, plan: Plan, ended: EndedTrials, chosen: dict[ContenderPlan, float]
) -> Setting:
    tuning = results_of(ended.results(contender, rate, range(plan.seeds)), plan.target)
    confirmed = confirm_trials((contender, rate), plan, ended) if chosen.get(contender) == rate else ()
    every = ended.every(contender, rate)
    return Setting(
        **contender.model_dump(include={"optimizer", "loss", "batch_size"}),
        learning_rate=rate,
        added=rate not in contender.learning_rates,
        scores=tuple(tuning.scores.tolist()) if tuning else (),
        median=median(tuning.scores) if tuning else None,
        confirm_scores=tuple(trial.score for trial in confirmed),
        diverged=_count(every, "diverged"),
        failed=_count(every, "failed"),
    )


def _contender(
    chosen: Chosen, trials: Sequence[Trial], plan: Plan, ended: EndedTrials, all_trials: Sequence[Trial]
) -> Contender:
    """Return a contender, given those of its trials that its numbers are from."""
    contender, rate = chosen
    rates, results = rates_tried(contender, plan, ended), SettingResults(tuple(trials), plan.target)
    own = [trial for trial in all_trials if _setting_of(trial)[:3] == _described(contender)]
    return Contender(
        **contender.model_dump(include={"optimizer", "loss", "batch_size"}),
        label=label_of(contender, plan),
        learning_rate=rate,
        learning_rates=rates,
        at_edge=len(rates) > 1 and rate in (rates[0], rates[-1]),
        confirmed=trials[0].confirms,
        seeds=len(results.seeds),
        scores=tuple(results.scores.tolist()),
        median=median(results.scores),
        interquartile_mean=float(interquartile_mean(results.scores)),
        interval=bootstrap_interval(interquartile_mean, results.scores),
        best_score=median(results.best_scores),
        reached=int(np.isfinite(results.epochs).sum()),
        epochs_to_target=median(results.epochs),
        epochs_interval=median_interval(results.epochs),
        steps_to_target=median(results.steps),
        seconds_to_target=median(results.seconds),
        diverged=_count(own, "diverged"),
        failed=_count(own, "failed"),
    )

"""What follows from the trials of a comparison: its settings, its contenders from the best on, and its pairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from study.cautions import cautions
from study.comparison import Comparison, Contender, Setting, Trial
from study.intervals import bootstrap_interval, interquartile_mean, median, median_interval
from study.pairs import pairs_of
from study.setting_results import SettingResults, results_of
from study.verdict import verdict


def compare_trials(trials: Iterable[Trial], target: float) -> Comparison:
    """Return what follows from trials, of which there is one for each setting and seed.

    Args:
        trials: In any order; the answer does not depend on it.
        target: Validation accuracy to be reached.
    """
    ordered = tuple(sorted(trials, key=lambda trial: (*_setting_of(trial), trial.seed, trial.run_id)))
    groups = [tuple(group) for _, group in groupby(ordered, _contender_of)]
    tried = {_label(group[0], ordered): group for group in groups}
    found = {label: results for label, group in tried.items() if (results := _best(group, target))}
    best = dict(sorted(found.items(), key=lambda item: (item[1].rank, item[0])))
    contenders = tuple(_contender(label, tried[label], results) for label, results in best.items())
    settings = tuple(_setting(tuple(group), target) for _, group in groupby(ordered, _setting_of))
    pairs = pairs_of(best)
    return Comparison(
        target=target,
        trials=ordered,
        settings=settings,
        contenders=contenders,
        pairs=pairs,
        verdict=verdict(contenders, pairs, target),
        cautions=cautions(contenders, pairs, settings, left_out=sorted(tried.keys() - best.keys())),
    )


def _contender_of(trial: Trial) -> tuple[str, str, int]:
    return trial.optimizer, trial.loss, trial.batch_size


def _setting_of(trial: Trial) -> tuple[str, str, int, float]:
    return *_contender_of(trial), trial.learning_rate


def _label(trial: Trial, trials: Sequence[Trial]) -> str:
    """Return the name of a trial's contender: the optimizer, and what else differs among all trials."""
    loss = [trial.loss] if len({other.loss for other in trials}) > 1 else []
    batch_size = [f"batch_size={trial.batch_size}"] if len({other.batch_size for other in trials}) > 1 else []
    return " ".join([trial.optimizer, *loss, *batch_size])


def _best(trials: Sequence[Trial], target: float) -> SettingResults | None:
    """Return the results of a contender at its best learning rate; none if it has no results."""
    by_rate = [results_of(tuple(group), target) for _, group in groupby(trials, _setting_of)]
    return min((results for results in by_rate if results), key=lambda results: results.rank, default=None)


def _described(trials: Sequence[Trial]) -> dict[str, Any]:
    """Return what a setting and a contender have in common."""
    counts = {outcome: sum(trial.outcome == outcome for trial in trials) for outcome in ("diverged", "failed")}
    optimizer, loss, batch_size = _contender_of(trials[0])
    return {"optimizer": optimizer, "loss": loss, "batch_size": batch_size, **counts}


def _setting(trials: Sequence[Trial], target: float) -> Setting:
    results = results_of(trials, target)
    return Setting(
        **_described(trials),
        learning_rate=trials[0].learning_rate,
        accuracies=tuple(results.accuracies.tolist()) if results else (),
        median=median(results.accuracies) if results else None,
    )


def _contender(label: str, trials: Sequence[Trial], best: SettingResults) -> Contender:
    """Return a contender, given all of its trials and the results that count."""
    rates, rate = sorted({trial.learning_rate for trial in trials}), best.trials[0].learning_rate
    return Contender(
        **_described(trials),
        label=label,
        learning_rate=rate,
        learning_rates=tuple(rates),
        at_edge=rate in (rates[0], rates[-1]),
        seeds=len(best.seeds),
        accuracies=tuple(best.accuracies.tolist()),
        median=median(best.accuracies),
        interquartile_mean=float(interquartile_mean(best.accuracies)),
        interval=bootstrap_interval(interquartile_mean, best.accuracies),
        best_accuracy=median(best.best_accuracies),
        reached=int(np.isfinite(best.epochs).sum()),
        epochs_to_target=median(best.epochs),
        epochs_interval=median_interval(best.epochs),
        steps_to_target=median(best.steps),
        seconds_to_target=median(best.seconds),
    )

"""What follows from the trials of a comparison: ranks, medians, intervals and pairs. Same trials, same answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.comparison import Comparison, Contender, Interval, Pair, Setting, Trial
from study.verdict import cautions, verdict

RESAMPLES = 9_999
TAIL = 250  # of the resamples lie at or beyond either end of an interval: 2.5 %
CUT = 0.25  # of the values, at either end, for the interquartile mean
DIGITS = 12  # of a difference of accuracies; what is smaller is rounding, and must not tell two contenders apart

Values = NDArray[np.float64]


@dataclass(frozen=True)
class _Results:
    """The trials of one setting that have a result, by ascending seed; there is at least one."""

    trials: tuple[Trial, ...]
    target: float

    @cached_property
    def accuracies(self) -> Values:
        # A network of NaN gets nothing right. Left out, a setting would be the better for diverging now and then.
        return np.array([trial.validation_accuracy[-1] if _completed(trial) else 0.0 for trial in self.trials])

    @cached_property
    def best_accuracies(self) -> Values:
        return np.array([max(trial.validation_accuracy) if _completed(trial) else 0.0 for trial in self.trials])

    @cached_property
    def epochs(self) -> Values:
        return np.array([trial.epochs_to(self.target) for trial in self.trials])

    @cached_property
    def steps(self) -> Values:
        return self.epochs * [trial.steps_per_epoch for trial in self.trials]

    @cached_property
    def seconds(self) -> Values:
        return np.array([trial.seconds_to(self.target) for trial in self.trials])

    @cached_property
    def rank(self) -> tuple[float, float, float, float]:
        """What the better of two settings has less of."""
        middle = float(_interquartile_mean(self.accuracies))
        return -_median(self.accuracies), -middle, _median(self.epochs), self.trials[0].learning_rate

    @property
    def seeds(self) -> set[int]:
        return {trial.seed for trial in self.trials}

    def on(self, seeds: set[int]) -> _Results:
        """Return the results of these seeds alone."""
        return replace(self, trials=tuple(trial for trial in self.trials if trial.seed in seeds))


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
    pairs = _pairs(best)
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


def _completed(trial: Trial) -> bool:
    return trial.outcome == "completed"


def _results(trials: Sequence[Trial], target: float) -> _Results | None:
    """Return the results of a setting; none if all of its trials failed, which says nothing about it."""
    ended = tuple(trial for trial in trials if trial.outcome != "failed")
    return _Results(ended, target) if ended else None


def _best(trials: Sequence[Trial], target: float) -> _Results | None:
    """Return the results of a contender at its best learning rate; none if it has no results."""
    by_rate = [_results(tuple(group), target) for _, group in groupby(trials, _setting_of)]
    return min((results for results in by_rate if results), key=lambda results: results.rank, default=None)


def _described(trials: Sequence[Trial]) -> dict[str, Any]:
    """Return what a setting and a contender have in common."""
    counts = {outcome: sum(trial.outcome == outcome for trial in trials) for outcome in ("diverged", "failed")}
    optimizer, loss, batch_size = _contender_of(trials[0])
    return {"optimizer": optimizer, "loss": loss, "batch_size": batch_size, **counts}


def _setting(trials: Sequence[Trial], target: float) -> Setting:
    results = _results(trials, target)
    return Setting(
        **_described(trials),
        learning_rate=trials[0].learning_rate,
        accuracies=tuple(results.accuracies.tolist()) if results else (),
        median=_median(results.accuracies) if results else None,
    )


def _contender(label: str, trials: Sequence[Trial], best: _Results) -> Contender:
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
        median=_median(best.accuracies),
        interquartile_mean=float(_interquartile_mean(best.accuracies)),
        interval=_interval(_interquartile_mean, best.accuracies),
        best_accuracy=_median(best.best_accuracies),
        reached=int(np.isfinite(best.epochs).sum()),
        epochs_to_target=_median(best.epochs),
        epochs_interval=_median_interval(best.epochs),
        steps_to_target=_median(best.steps),
        seconds_to_target=_median(best.seconds),
    )


def _pairs(best: Mapping[str, _Results]) -> tuple[Pair, ...]:
    """Return every pair of contenders that have a seed in common, given their results from the best on."""
    return tuple(
        _pair(first, second, best[first].on(seeds), best[second].on(seeds))
        for first, second in combinations(best, 2)
        if (seeds := best[first].seeds & best[second].seeds)
    )


def _pair(first: str, second: str, one: _Results, other: _Results) -> Pair:
    """Return a pair of contenders, given their results of the same seeds."""
    differences = one.accuracies - other.accuracies
    interval = _students_interval(differences)
    reached = bool(np.isfinite([*one.epochs, *other.epochs]).all())
    return Pair(
        first=first,
        second=second,
        seeds=len(differences),
        probability=float(np.mean((1 + np.sign(differences)) / 2)),
        difference=float(_mean(differences)),
        interval=interval,
        told_apart=interval is not None and not interval[0] <= 0 <= interval[1],
        epochs_ratio=float(_median_ratio(one.epochs, other.epochs)) if reached else None,
        epochs_ratio_interval=_interval(_median_ratio, one.epochs, other.epochs) if reached else None,
    )


def _median(values: Values) -> float:
    return float(np.median(values))


def _median_ratio(first: Values, second: Values, axis: int = -1) -> Values:
    return np.asarray(np.median(first, axis=axis) / np.median(second, axis=axis))


def _mean(values: Values, axis: int = -1) -> Values:
    return np.asarray(np.mean(values, axis=axis).round(DIGITS) + 0.0)  # no negative zero


def _interquartile_mean(values: Values, axis: int = -1) -> Values:
    ordered = np.sort(values, axis=axis)  # the same values have the same sum, whichever seeds they belong to
    middle = stats.trim_mean(ordered, CUT, axis=axis)
    # The mean of three times 0.1 is more than 0.1.
    return np.asarray(np.clip(middle, ordered.min(axis=axis), ordered.max(axis=axis)))


def _interval(statistic: Callable[..., Values], *samples: Values) -> Interval | None:
    """Return the 95 % percentile bootstrap interval, resampling the seeds of all samples alike; none for one seed."""
    if len(samples[0]) < 2:
        return None
    random = np.random.default_rng(0)
    how = {"method": "percentile", "n_resamples": RESAMPLES, "paired": True, "vectorized": True, "rng": random}
    return _middle(stats.bootstrap(samples, statistic, **how).bootstrap_distribution)


def _students_interval(differences: Values) -> Interval | None:
    """Return Student's 95 % interval of the mean of paired differences; none for one seed.

    The bootstrap's of three values is no more than their range, which leaves out 0 for one in four pairs of equals.
    """
    if len(differences) < 2:
        return None
    mean = float(_mean(differences))
    error = float(np.std(differences, ddof=1)) / math.sqrt(len(differences))
    reach = float(stats.t.ppf(0.975, len(differences) - 1)) * error
    return round(mean - reach, DIGITS), round(mean + reach, DIGITS)


def _median_interval(values: Values) -> Interval | None:
    """Likewise of the median. SciPy also takes the standard deviation of the medians, which infinity does not have."""
    if len(values) < 2:
        return None
    resamples = np.random.default_rng(0).choice(values, (RESAMPLES, len(values)))
    return _middle(np.median(resamples, axis=-1))


def _middle(resampled: Values) -> Interval:
    """Return the ends of the middle 95 %: values that occur, for a mean of two makes 0 a rounding error."""
    ordered = np.sort(resampled)
    return float(ordered[TAIL - 1]), float(ordered[-TAIL])

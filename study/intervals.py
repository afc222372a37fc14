"""The averages that a comparison reports, and the 95 % intervals around them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.interval import Interval

RESAMPLES = 9_999
TAIL = 250  # of the resamples lie at or beyond either end of an interval: 2.5 %
CUT = 0.25  # of the values, at either end, for the interquartile mean
DIGITS = 12  # of a difference of scores; what is smaller is rounding, and must not tell two contenders apart

Values = NDArray[np.float64]


def median(values: Values) -> float:
    """Return the median, which stays infinite where misses are in the middle."""
    ordered, count = np.sort(values), len(values)
    return float((ordered[(count - 1) // 2] + ordered[count // 2]) / 2)


def rounded_mean(values: Values, axis: int = -1) -> Values:
    """Return the mean without the last digits, which are rounding."""
    return np.asarray(np.mean(values, axis=axis).round(DIGITS) + 0.0)  # no negative zero


def interquartile_mean(values: Values, axis: int = -1) -> Values:
    """Return the mean without a quarter of the values at either end."""
    # The same values have the same sum, whichever seeds they belong to.
    ordered = np.sort(np.moveaxis(values, axis, -1))
    cut = int(CUT * ordered.shape[-1])
    middle = ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1)
    # The mean of three times 0.1 is more than 0.1.
    return np.asarray(np.clip(middle, ordered[..., 0], ordered[..., -1]))


def bootstrap_interval(statistic: Callable[..., Values], *samples: Values) -> Interval | None:
    """Return the 95 % percentile bootstrap interval, resampling the seeds of all samples alike; none for one seed."""
    if len(samples[0]) < 2:
        return None
    random = np.random.default_rng(0)
    how = {"method": "percentile", "n_resamples": RESAMPLES, "paired": True, "vectorized": True, "rng": random}
    return _middle(stats.bootstrap(samples, statistic, **how).bootstrap_distribution)


def median_interval(values: Values) -> Interval | None:
    """Return the 95 % bootstrap interval of the median; none for one seed.

    SciPy also takes the standard deviation of the medians, which infinity does not have.
    """
    if len(values) < 2:
        return None
    resamples = np.random.default_rng(0).choice(values, (RESAMPLES, len(values)))
    return _middle(np.median(resamples, axis=-1))


def _middle(resampled: Values) -> Interval:
    """Return the ends of the middle 95 %: values that occur, for a mean of two makes 0 a rounding error."""
    ordered = np.sort(resampled)
    return float(ordered[TAIL - 1]), float(ordered[-TAIL])

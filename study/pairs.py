"""Every two contenders of a comparison, compared seed by seed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from study.comparison import Pair
from study.intervals import bootstrap_interval, ratio_of_medians, rounded_mean, students_interval
from study.setting_results import SettingResults


def pairs_of(best: Mapping[str, SettingResults]) -> tuple[Pair, ...]:
    """Return every pair of contenders that have a seed in common, given their results from the best on."""
    return tuple(
        _pair(first, second, best[first].on(seeds), best[second].on(seeds))
        for first, second in combinations(best, 2)
        if (seeds := best[first].seeds & best[second].seeds)
    )


def _pair(first: str, second: str, one: SettingResults, other: SettingResults) -> Pair:
    """Return a pair of contenders, given their results of the same seeds."""
    differences = one.accuracies - other.accuracies
    interval = students_interval(differences)
    reached = bool(np.isfinite([*one.epochs, *other.epochs]).all())
    return Pair(
        first=first,
        second=second,
        seeds=len(differences),
        probability=float(np.mean((1 + np.sign(differences)) / 2)),
        difference=float(rounded_mean(differences)),
        interval=interval,
        told_apart=interval is not None and not interval[0] <= 0 <= interval[1],
        epochs_ratio=float(ratio_of_medians(one.epochs, other.epochs)) if reached else None,
        epochs_ratio_interval=bootstrap_interval(ratio_of_medians, one.epochs, other.epochs) if reached else None,
    )

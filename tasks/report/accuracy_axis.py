"""An axis of accuracy, or of another share, with room where it matters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from study.number_formats import percent

ACCURACIES = (0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)
NONE_AT_ALL = 1e-9  # an error below this is none


class AccuracyAxis:
    """Accuracy, or another metric that is 1 at best, as its error on a logarithmic scale, labelled as what it is.

    Such a scale has no place for an error of 0: an accuracy of 1 is drawn at half the least error that there is, and
    labelled as what it is.

    Args:
        accuracies: All that is drawn.
        target: To be reached, which is drawn too.
    """

    def __init__(self, accuracies: Iterable[float], target: float) -> None:
        errors = [1 - accuracy for accuracy in [*accuracies, target]]
        positive = [error for error in errors if error > NONE_AT_ALL]
        self._perfect = len(positive) < len(errors)
        self._least = min(positive, default=0.02) / 2
        self._most = max(positive, default=0.02)

    def errors(self, accuracies: Iterable[Any]) -> np.ndarray:
        """Return where accuracies are drawn."""
        errors = 1 - np.array(list(accuracies), dtype=float)
        return np.asarray(np.where(errors > NONE_AT_ALL, errors, self._least))

    def apply(self, axes: Axes) -> None:
        """Give the axes this scale, its range and its labels."""
        bottom, top = min(1.0, self._most * 1.3), self._least * (0.8 if self._perfect else 1.5)
        # A label that is nearer to that of 100 % would run into it.
        nearest = self._least * (1.5 if self._perfect else 1.0)
        ticks = [
            (1 - accuracy, percent(accuracy))
            for accuracy in ACCURACIES
            if max(top, nearest) <= round(1 - accuracy, 12) <= bottom
        ]
        if self._perfect:
            ticks.append((self._least, percent(1.0)))
        axes.set_yscale("log")
        axes.set_ylim(bottom, top)
        axes.yaxis.set_major_locator(FixedLocator([error for error, _ in ticks]))
        axes.yaxis.set_major_formatter(FixedFormatter([label for _, label in ticks]))
        axes.yaxis.set_minor_locator(NullLocator())

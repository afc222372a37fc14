"""Which class is taken for which, most often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ConfusedPair:
    """A class that was taken for another.

    The pair has a direction: that 4 is taken for 9 has another cause, and another cure, than that 9 is taken for 4.

    Attributes:
        label: The true class; ``predicted``: what it was taken for.
        times: How often.
        of: Of how many answers about images of the true class.
    """

    label: int
    predicted: int
    times: int
    of: int


def confused_pairs(labels: NDArray[Any], predicted: NDArray[Any], count: int) -> tuple[ConfusedPair, ...]:
    """Return the pairs that were confused most often, at most ``count``; of equal ones that of lower labels first.

    Only pairs that occur are counted, so that memory does not grow with the square of the classes.

    Args:
        labels: True classes, of shape (answers,).
        predicted: What was answered, of the same shape.
        count: How many to return at most.
    """
    wrong = labels != predicted
    pairs = np.stack([labels[wrong], predicted[wrong]], axis=1)
    found, times = np.unique(pairs, axis=0, return_counts=True)
    images = dict(zip(*(each.tolist() for each in np.unique(labels, return_counts=True)), strict=True))
    most = np.argsort(-times, kind="stable")[:count]
    return tuple(
        ConfusedPair(label, other, int(times[place]), images[label])
        for place, (label, other) in zip(most.tolist(), found[most].tolist(), strict=True)
    )

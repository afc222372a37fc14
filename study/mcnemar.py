"""Two classifiers on the same images: McNemar's exact test, and the interval of the difference of their accuracies.

All that tells between them are the images that only one of them has right, the discordant pairs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.interval import Interval

LEVEL = 0.05  # how often an interval is wrong
HALVINGS = 60  # of a range of 2: to the last bits of a number


@dataclass(frozen=True)
class PairedCounts:
    """On how many images two classifiers were asked, and which of them only the one, or only the other, has right."""

    images: int
    only_one: int
    only_other: int

    @property
    def discordant(self) -> int:
        """How many images tell between them."""
        return self.only_one + self.only_other

    @property
    def difference(self) -> float:
        """The accuracy of the one less that of the other."""
        return (self.only_one - self.only_other) / self.images

    def p_value(self) -> float:
        """Return how often so uneven a split, or a more uneven one, comes up where neither is better.

        Exact and two-sided: the discordant pairs as throws of a coin. McNemar, "Note on the sampling error of the
        difference between correlated proportions or percentages" (1947). 1 without any.
        """
        return float(stats.binomtest(self.only_one, self.discordant).pvalue) if self.discordant else 1.0

    def interval(self, level: float = LEVEL) -> Interval:
        """Return the interval of the difference that is wrong with probability ``level``.

        The score interval of Tango, "Equivalence test and confidence interval for the difference in proportions for
        the paired-sample design" (1998): all differences that its score test does not refuse. It needs no pair to be
        discordant: without any it reaches z²/(images + z²) to either side.
        """
        z = float(stats.norm.isf(level / 2))
        swapped = PairedCounts(self.images, self.only_other, self.only_one)
        return _lower_end(self, z), -_lower_end(swapped, z) + 0.0


def paired_counts(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> PairedCounts:
    """Return the counts, given which images each has right: both of shape (images,), in the same order, at least one.

    Raises:
        ValueError: they are not of one shape, or there is no image.
    """
    if one.shape != other.shape or one.ndim != 1 or not len(one):
        raise ValueError(f"received {one.shape} and {other.shape}; allowed: the same number of images, at least one")
    return PairedCounts(len(one), int(np.sum(one & ~other)), int(np.sum(other & ~one)))


def _lower_end(counts: PairedCounts, z: float) -> float:
    """Return the difference below the estimate at which the score is ``z``; -1 where the other has all, the one none.

    The score falls with the difference: Tango (1998), equation 13.
    """
    if counts.only_other == counts.images:
        return -1.0
    return _falls_to_zero(lambda difference: _score(counts, difference) - z, -1.0, counts.difference)


def _score(counts: PairedCounts, difference: float) -> float:
    """Return the score of a difference that lies between -1 and 1 and is not the estimate of no discordant pair."""
    images, one, other = counts.images, counts.only_one, counts.only_other
    # The probability that only the other is right, where that of the one lies ``difference`` above: the most likely.
    b = (2 * images - one + other) * difference - one - other
    c = -other * difference * (1 - difference)
    likeliest = (math.sqrt(b * b - 8 * images * c) - b) / (4 * images)
    variance = images * (2 * likeliest + difference * (1 - difference))
    return (one - other - images * difference) / math.sqrt(variance)


def _falls_to_zero(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function that falls from above to below zero between two ends, which it may lack, is zero."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return (low + high) / 2

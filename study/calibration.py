"""Whether a model is right as often as it says: a reliability curve, and the expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15  # as Guo et al. have it


@dataclass(frozen=True)
class Bin:
    """The answers of which a model was about as sure.

    Attributes:
        above: The bin holds answers with a probability above this; ``to``: and up to this.
        answers: How many it holds, at least one.
        confidence: Their mean probability; ``accuracy``: the share of them that is right.
    """

    above: float
    to: float
    answers: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Reliability:
    """How far a model's probabilities can be believed.

    Attributes:
        bins: Those that hold an answer, by probability.
        answers: How many there are.
        error: The expected calibration error, from 0 to 1.
        confidence: The mean probability of all answers; ``accuracy``: the share of them that is right.
    """

    bins: tuple[Bin, ...]
    answers: int
    error: float
    confidence: float
    accuracy: float


def reliability(confidence: NDArray[Any], right: NDArray[np.bool_], bins: int = BINS) -> Reliability:
    """Return how far a model's probabilities can be believed.

    The expected calibration error is the sum over bins B of |B| / n times |acc(B) - conf(B)|, where B holds the answers
    with a probability in ((m - 1) / M, m / M]: equation 3 of Guo et al., "On calibration of modern neural networks",
    2017.

    Args:
        confidence: The probability of what was answered, for each answer, of shape (answers,), at least one.
        right: Whether it was right.
        bins: M.

    Raises:
        ValueError: there is no answer.
    """
    if not len(right):
        raise ValueError("expected at least one answer; received none")
    sure = confidence.astype(np.float64)
    edges = np.arange(bins + 1) / bins
    places = np.clip(np.searchsorted(edges, sure, side="left") - 1, 0, bins - 1)
    held = [(place, places == place) for place in np.unique(places).tolist()]
    found = tuple(
        Bin(
            above=float(edges[place]),
            to=float(edges[place + 1]),
            answers=int(among.sum()),
            confidence=float(sure[among].mean()),
            accuracy=float(right[among].mean()),
        )
        for place, among in held
    )
    error = sum(one.answers * abs(one.accuracy - one.confidence) for one in found) / len(right)
    return Reliability(found, len(right), error, float(sure.mean()), float(right.mean()))

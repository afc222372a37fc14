"""How a trial did on each of its validation images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from study.metric import Metric


@dataclass(frozen=True, eq=False)
class ValidationOutcome:
    """How a trial did on each of its validation images.

    Attributes:
        examples: The numbers of the images, ascending, each once: the same image has the same number in every split.
        credit: Of the same shape: what each image adds to the score, times the number of images, so that their mean is
            the score. For accuracy it is whether the image was classified rightly.
        heaviest: What the score changes by with one image more that is right, at most, times the number of images.

    Raises:
        ValueError: the numbers are in another order, or the shapes differ.
    """

    examples: NDArray[np.int64]
    credit: NDArray[np.bool_] | NDArray[np.float64]
    heaviest: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what later sums would take for another image."""
        if self.examples.ndim != 1 or self.examples.shape != self.credit.shape:
            raise ValueError(
                f"expected one row of examples and as many values; received {self.examples.shape} "
                f"and {self.credit.shape}"
            )
        if (np.diff(self.examples) <= 0).any():
            raise ValueError("examples must be ascending, each once")


def outcome_of(
    metric: Metric, examples: NDArray[np.int64], labels: NDArray[np.int32], predicted: NDArray[np.int32]
) -> ValidationOutcome:
    """Return how a trial did by a metric, given labels and predictions of shape (examples,), at least one.

    For balanced accuracy an image that is right adds by how rare its class is. Macro F1 is no mean over images: its
    credit is the influence of each image, that is F1 in a straight line around what it came to, as in the
    infinitesimal jackknife (Efron, "The jackknife, the bootstrap and other resampling plans", 1982). The mean of these
    is the score itself, so that differences are exact, and their covariance holds to first order.
    """
    right = labels == predicted
    if metric == "accuracy":
        return ValidationOutcome(examples, right)
    support, guesses = (np.bincount(each, minlength=_classes(labels, predicted)) for each in (labels, predicted))
    occurs = support > 0 if metric == "balanced_accuracy" else support + guesses > 0
    weights = len(labels) / (int(occurs.sum()) * np.maximum(support, 1))
    heaviest = float(weights[support > 0].max())
    if metric == "balanced_accuracy":
        return ValidationOutcome(examples, right * weights[labels], heaviest)
    of_class = np.maximum(support + guesses, 1)
    f1 = 2 * np.bincount(labels[right], minlength=len(support)) / of_class
    score, a_class = f1[occurs].mean(), len(labels) / occurs.sum()
    lost = f1 / of_class
    credit = score + a_class * (2 * right / of_class[labels] - lost[labels] - lost[predicted])
    return ValidationOutcome(examples, credit, heaviest)


def _classes(labels: NDArray[np.int32], predicted: NDArray[np.int32]) -> int:
    return int(max(labels.max(), predicted.max())) + 1

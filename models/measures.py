"""How good predictions are where classes differ in size, or are many: scikit-learn's definitions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ClassMeasures:
    """How well each class is told from the others; arrays of shape (classes,), by label.

    Attributes:
        precision: Of the examples that were predicted to be of this class, the share that is; 0 if none was.
        recall: Of the examples of this class, the share that was predicted to be; 0 if there is none.
        f1: The harmonic mean of both; 0 where both are.
        support: Examples of this class; int64.
        guesses: Examples that were predicted to be of this class; int64.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    support: NDArray[np.int64]
    guesses: NDArray[np.int64]


def class_measures(labels: NDArray[np.int32], predicted: NDArray[np.int32], classes: int) -> ClassMeasures:
    """Return how well each class is told from the others, given labels and predictions of shape (examples,)."""
    right, support, guesses = (
        np.bincount(each, minlength=classes) for each in (labels[labels == predicted], labels, predicted)
    )
    return ClassMeasures(
        precision=_share(right, guesses),
        recall=_share(right, support),
        f1=_share(2 * right, support + guesses),
        support=support,
        guesses=guesses,
    )


def balanced_accuracy(measures: ClassMeasures) -> float:
    """Return the mean recall of the classes that have an example."""
    return float(np.mean(measures.recall[measures.support > 0]))


def macro_f1(measures: ClassMeasures) -> float:
    """Return the mean F1 of the classes that have an example, or that an example was predicted to be of."""
    return float(np.mean(measures.f1[measures.support + measures.guesses > 0]))


def confusion_counts(labels: NDArray[np.int32], predicted: NDArray[np.int32], classes: int) -> NDArray[np.int64]:
    """Return how often each class (rows) was predicted to be which (columns), of shape (classes, classes)."""
    places = labels.astype(np.int64) * classes + predicted
    return np.bincount(places, minlength=classes * classes).reshape(classes, classes)


def among_largest(logits: NDArray[np.float32], labels: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    """Return whether each label is among the ``count`` largest of its row of ``logits``, of shape (examples, classes).

    Of equal ones those of lower labels come first, as they do in a prediction.
    """
    own = np.take_along_axis(logits, labels[:, None].astype(np.int64), axis=1)
    before = (logits > own) | ((logits == own) & (np.arange(logits.shape[1]) < labels[:, None]))
    return np.asarray(before.sum(axis=1) < count)


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(part / np.maximum(whole, 1))

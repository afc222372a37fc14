"""How much an example of each class counts in the loss that training minimises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

ClassWeight = Literal["none", "balanced"]
Weights = NDArray[np.float32] | None  # of each class, by label; none: all alike


def class_weights(name: ClassWeight, counts: NDArray[np.int64]) -> Weights:
    """Return the weight of each class, of shape (classes,); none if all examples count alike.

    ``balanced`` is n / (K n_k), as scikit-learn defines it: of n examples n_k are of class k, and K classes have any.
    Their mean over the examples is 1. A class without examples has no weight, 0.

    Args:
        name: How they come about.
        counts: n_k of the training split, by label.
    """
    if name == "none":
        return None
    present = counts > 0
    weights = np.where(present, counts.sum() / (present.sum() * np.maximum(counts, 1)), 0.0)
    return weights.astype(np.float32)


def weighted(loss: Callable[..., Any], class_weights: Weights) -> Callable[..., Any]:
    """Return a loss in which the examples of a class count by its weight, too; none: the loss as it is.

    As in Keras, it is the sum of the examples' weighted losses, divided by their number.
    """
    if class_weights is None:
        return loss

    def of_batch(labels: tf.Tensor, logits: tf.Tensor, sample_weight: tf.Tensor | float = 1.0) -> tf.Tensor:
        return loss(labels, logits, sample_weight=sample_weight * tf.gather(class_weights, labels))

    return of_batch

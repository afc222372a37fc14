"""Clipping gradients by their global norm, with a count of how often that changed something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from models.evaluation_weights import moving


class Clipping:
    """Shortens gradients whose norm, over all variables together, exceeds a bound: g * bound / max(norm, bound).

    From Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks" (2013), algorithm 1. Those
    within the bound are not changed by a bit, for they are multiplied by 1; NaN and infinity are not made finite.

    Args:
        bound: Positive.

    Attributes:
        counts: int64 of shape (2,): how often it was asked since `taken`, and how often it shortened something.
    """

    def __init__(self, bound: float) -> None:
        self._bound = bound
        self.counts = tf.Variable([0, 0], dtype=tf.int64, trainable=False, name="clipping")

    def taken(self) -> tf.Tensor:
        """Return the counts, and count anew from here on."""
        counts = self.counts.read_value()
        self.counts.assign([0, 0])
        return counts

    def __call__(self, gradients: Sequence[Any]) -> list[Any]:
        """Return the gradients as an optimizer is to apply them; where there is none, there is none."""
        norm = tf.linalg.global_norm(gradients)
        self.counts.assign_add([1, tf.cast(norm > self._bound, tf.int64)])
        scale = self._bound / tf.maximum(norm, self._bound)
        return [None if gradient is None else gradient * scale for gradient in gradients]


def counted_clipping(model: keras.Model) -> Clipping | None:
    """Let the optimizer of a compiled model count the updates that it clips; none, and no cost, if it clips none.

    Keras clips in one method that every update goes through, after gradients were gathered and unscaled. The count
    takes that method's place in this process alone: what is stored knows nothing of it.
    """
    optimizer = moving(model.optimizer)
    if optimizer.global_clipnorm is None:
        return None
    clipping = Clipping(optimizer.global_clipnorm)
    optimizer._clip_gradients = clipping  # noqa: SLF001 - it has no public name, and people's optimizers have it too
    return clipping

"""From the outputs of a network to probabilities: the same function for what is kept of a run and what is served."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from served_model.description import Estimates


def as_probabilities(logits: Any, estimates: Estimates) -> NDArray[np.float32]:
    """Return what a network says of each class, from its outputs, both of shape (examples, classes)."""
    if estimates == "outputs":
        return np.asarray(logits, dtype=np.float32)
    import tensorflow as tf  # which takes seconds, and predictions that are kept are read without it

    return np.asarray(tf.nn.softmax(tf.cast(logits, tf.float32)))

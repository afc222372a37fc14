"""The weights of a model: whether all of them are finite, and a digest by which two models are told equal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import keras
import numpy as np

Weights = Sequence[tuple[str, np.ndarray]]  # by their paths, which need not tell each from all others


def weights_of(model: keras.Model) -> Weights:
    """Return all weights, trainable or not, in the model's order."""
    return [(weight.path, keras.ops.convert_to_numpy(weight)) for weight in model.weights]


def first_not_finite(weights: Weights) -> str:
    """Say which is the first weight that holds a NaN or an infinity, and which of them; empty if none does."""
    for path, values in weights:
        wrong = values[~np.isfinite(values)]
        if wrong.size:
            return f"the weight {path} holds {wrong[0]}"
    return ""


def weights_digest(weights: Weights) -> str:
    """Return the SHA-256 of weights in their order: 64 hexadecimal digits.

    Each goes in as its type, its shape and its bytes, without its path: Keras numbers layers over all that a process
    has made.
    """
    digest = hashlib.sha256()
    for _, values in weights:
        digest.update(f"{values.dtype} {values.shape}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()

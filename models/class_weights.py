"""How much an example of each class counts in the loss that training minimises."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

ClassWeight = Literal["none", "balanced"]


def class_weights(name: ClassWeight, counts: NDArray[np.int64]) -> NDArray[np.float32] | None:
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

"""How badly a model fares on each image: the negative log of the probability that it gives to the image's label."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# The least number above 0 of float16, in which runs keep probabilities: what they call 0 is anything below it.
SMALLEST = 2.0**-24
ROUNDING = 0.01  # what the sum of probabilities may be off by that were rounded to float16, one in two thousand each


def shares(said: NDArray[Any]) -> NDArray[np.float32]:
    """Return what a model said of images as probabilities, each row of which adds up to 1.

    Those of a softmax are that already, but for the rounding to float16. The outputs of a model that was trained with a
    regression loss estimate the one-hot label, and may be anything: they are clipped to what lies from 0 to 1 and
    divided by their sum. A row in which nothing is above 0 says nothing: all classes are alike in it.

    Args:
        said: Of shape (images, classes), as `KeptPredictions.probabilities`; what is not a number counts as 0.
    """
    clipped = np.clip(np.nan_to_num(said.astype(np.float32), nan=0.0), 0, 1)
    sums = clipped.sum(axis=1, keepdims=True)
    return np.where(sums > 0, clipped / np.where(sums > 0, sums, 1), np.float32(1 / max(1, said.shape[1])))


def are_probabilities(said: NDArray[Any]) -> bool:
    """Return whether what a model said of images, of shape (images, classes), is probabilities but for rounding."""
    numbers = said.astype(np.float32)
    sums = numbers.sum(axis=1)
    return bool((numbers >= 0).all() and (abs(sums - 1) <= ROUNDING).all())


def example_losses(probabilities: NDArray[np.float32], labels: NDArray[Any]) -> NDArray[np.float64]:
    """Return the loss of each image: -log of its label's probability, which counts as at least `SMALLEST` (16.6).

    Args:
        probabilities: Of shape (images, classes).
        labels: Of shape (images,).
    """
    own = np.take_along_axis(probabilities, labels[:, None].astype(np.int64), axis=1)[:, 0]
    return -np.log(np.maximum(own.astype(np.float64), SMALLEST))


def worst(losses: NDArray[np.float64], confidence: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Return the places of the largest losses, the largest first, at most ``count``.

    Of equal ones, as those at the largest loss that there is, the one comes first of which the model was surer, and of
    equally sure ones that which stands first.
    """
    return np.lexsort((-confidence.astype(np.float64), -losses))[:count].astype(np.int64)

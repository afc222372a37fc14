"""What networks of images have in common: what they are given, the normalisation of pixels, a seed for each layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from keras import layers


def require_fitting(
    image_shape: tuple[int, int, int],
    num_classes: int,
    pixel_mean: Sequence[float],
    pixel_deviation: Sequence[float],
    *,
    smallest_side: int,
) -> None:
    """Raise ValueError for what a network cannot be built for: says what was received, and what is allowed."""
    if len(image_shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels); received {tuple(image_shape)}")
    height, width, channels = image_shape
    if min(height, width) < smallest_side or channels < 1:
        raise ValueError(
            f"images must have at least {smallest_side}x{smallest_side} pixels and one channel; "
            f"received {height}x{width} pixels, channels={channels}"
        )
    if num_classes < 2:
        raise ValueError(f"a classifier needs at least 2 classes; received num_classes={num_classes}")
    for name, values in (("pixel_mean", pixel_mean), ("pixel_deviation", pixel_deviation)):
        if len(values) != channels or not all(math.isfinite(value) for value in values):
            raise ValueError(
                f"{name} must be finite, one number for each channel ({channels}); received {list(values)}"
            )
    if min(pixel_deviation) < 0:
        raise ValueError(f"pixel_deviation must not be negative; received {list(pixel_deviation)}")


def pixel_normalization(pixel_mean: Sequence[float], pixel_deviation: Sequence[float]) -> layers.Layer:
    """Return the layer that subtracts the mean of each channel and divides by its deviation; 0 only centres."""
    # Keras divides by max(deviation, 1e-7): where a channel is constant in the training split, one grey level
    # of difference at serving time would become 1e7. Such a channel is divided by 1.
    variance = [float(deviation) ** 2 if deviation > 0 else 1.0 for deviation in pixel_deviation]
    mean = [float(value) for value in pixel_mean]
    # In 16 bits a mean would be off by up to half a grey level.
    return layers.Normalization(mean=mean, variance=variance, dtype="float32", name="normalization")


def layer_seeds(seed: int, count: int) -> Iterator[int]:
    """Return a seed for each of so many layers: with one seed for all, they would draw the same numbers."""
    return (int(child.generate_state(1)[0]) for child in np.random.SeedSequence(seed).spawn(count))

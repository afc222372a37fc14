"""LeNet-5 as MindSpore's training tutorial builds it, with the pixel normalisation inside the model."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import keras
import numpy as np
from keras import layers

SMALLEST_SIDE = 16  # two rounds of "5x5 convolution, then halve" leave one pixel of 16, and none of 15


def build_lenet(
    image_shape: tuple[int, int, int],
    num_classes: int,
    *,
    pixel_mean: Sequence[float],
    pixel_deviation: Sequence[float],
    seed: int,
) -> keras.Model:
    """Build the network from images (batch, height, width, channels) to logits (batch, num_classes).

    The architecture is that of LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document
    recognition" (1998), section II.B, with ReLU, max pooling and plain logits in place of tanh, trained
    averages and RBF units. Images of 32x32x1 and 10 classes give 61,706 trainable parameters.

    Args:
        image_shape: height, width and channels; the images hold pixel values from 0 to 255.
        num_classes: at least 2.
        pixel_mean: one for each channel, in pixel values.
        pixel_deviation: one for each channel, in pixel values; a channel with 0 is only centred.
        seed: not negative. The kernels (Glorot uniform) depend on it alone, bit for bit, whatever was seeded
            or drawn before.

    Raises:
        ValueError: an image smaller than 16 pixels on a side, fewer than two classes, a negative seed, or
            means and deviations that do not fit the channels.
    """
    _check(image_shape, num_classes, pixel_mean, pixel_deviation)
    glorot = _glorot_initializers(seed, count=5)
    pixels = keras.Input(image_shape, dtype="float32", name="pixels")
    x = _normalization(pixel_mean, pixel_deviation)(pixels)
    x = layers.Conv2D(6, 5, activation="relu", kernel_initializer=next(glorot), name="conv1")(x)
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = layers.Conv2D(16, 5, activation="relu", kernel_initializer=next(glorot), name="conv2")(x)
    x = layers.MaxPooling2D(2, name="pool2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(120, activation="relu", kernel_initializer=next(glorot), name="dense1")(x)
    x = layers.Dense(84, activation="relu", kernel_initializer=next(glorot), name="dense2")(x)
    logits = layers.Dense(num_classes, kernel_initializer=next(glorot), name="logits")(x)
    return keras.Model(pixels, logits, name="lenet")


def _glorot_initializers(seed: int, count: int) -> Iterator[keras.initializers.Initializer]:
    # One state for each layer: with one seed for all, layers would draw the same numbers.
    seeds = (int(child.generate_state(1)[0]) for child in np.random.SeedSequence(seed).spawn(count))
    return (keras.initializers.GlorotUniform(seed=one) for one in seeds)


def _normalization(pixel_mean: Sequence[float], pixel_deviation: Sequence[float]) -> layers.Layer:
    # Keras divides by max(deviation, 1e-7): where a channel is constant in the training split, one grey level
    # of difference at serving time would become 1e7. Such a channel is divided by 1.
    variance = [float(deviation) ** 2 if deviation > 0 else 1.0 for deviation in pixel_deviation]
    mean = [float(value) for value in pixel_mean]
    return layers.Normalization(mean=mean, variance=variance, name="normalization")


def _check(
    image_shape: tuple[int, int, int],
    num_classes: int,
    pixel_mean: Sequence[float],
    pixel_deviation: Sequence[float],
) -> None:
    if len(image_shape) != 3:
        raise ValueError(f"image_shape must be (height, width, channels); received {tuple(image_shape)}")
    height, width, channels = image_shape
    if min(height, width) < SMALLEST_SIDE or channels < 1:
        raise ValueError(
            f"images must have at least {SMALLEST_SIDE}x{SMALLEST_SIDE} pixels and one channel; "
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

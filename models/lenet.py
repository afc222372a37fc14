"""LeNet-5 as MindSpore's training tutorial builds it, with the pixel normalisation inside the model."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from models.image_network import layer_seeds, pixel_normalization, require_fitting

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
    require_fitting(image_shape, num_classes, pixel_mean, pixel_deviation, smallest_side=SMALLEST_SIDE)
    glorot = (keras.initializers.GlorotUniform(seed=one) for one in layer_seeds(seed, count=5))
    pixels = keras.Input(image_shape, dtype="float32", name="pixels")
    x = pixel_normalization(pixel_mean, pixel_deviation)(pixels)
    x = layers.Conv2D(6, 5, activation="relu", kernel_initializer=next(glorot), name="conv1")(x)
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = layers.Conv2D(16, 5, activation="relu", kernel_initializer=next(glorot), name="conv2")(x)
    x = layers.MaxPooling2D(2, name="pool2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(120, activation="relu", kernel_initializer=next(glorot), name="dense1")(x)
    x = layers.Dense(84, activation="relu", kernel_initializer=next(glorot), name="dense2")(x)
    logits = layers.Dense(num_classes, kernel_initializer=next(glorot), name="logits")(x)
    return keras.Model(pixels, logits, name="lenet")

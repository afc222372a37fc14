"""ResNet-8, MLPerf Tiny's network for CIFAR-10, with the pixel normalisation inside the model and logits at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
from keras import layers

from models.image_network import layer_seeds, pixel_normalization, require_fitting

FILTERS = (16, 32, 64)  # of the three stacks; each but the first halves the sides
SMALLEST_SIDE = 4  # which leaves one pixel to each filter of the last stack
WEIGHT_LAYERS = 1 + 2 + 3 + 3 + 1  # the stem, the stacks (two of them with a shortcut of their own), the logits


def build_resnet8(
    image_shape: tuple[int, int, int],
    num_classes: int,
    *,
    pixel_mean: Sequence[float],
    pixel_deviation: Sequence[float],
    seed: int,
) -> keras.Model:
    """Build the network from images (batch, height, width, channels) to logits (batch, num_classes).

    The architecture is `resnet_v1_eembc` of github.com/mlcommons/tiny (benchmark/training/image_classification/
    keras_model.py): a convolution and three stacks of two, each with a shortcut (He et al., "Deep residual learning
    for image recognition", 2016), batch normalisation after each of them, the mean over all pixels, one dense layer.
    Images of 32x32x3 and 10 classes give 78,666 parameters, 480 of them the moving statistics of batch normalisation.
    Their L2 regularisation (1e-4 on each kernel) is not part of the network: training has a decoupled `weight_decay`
    instead.

    Args:
        image_shape: height, width and channels; the images hold pixel values from 0 to 255.
        num_classes: at least 2.
        pixel_mean: one for each channel, in pixel values.
        pixel_deviation: one for each channel, in pixel values; a channel with 0 is only centred.
        seed: not negative. The kernels (He normal) depend on it alone, bit for bit, whatever was seeded or drawn
            before.

    Raises:
        ValueError: an image smaller than 4 pixels on a side, fewer than two classes, a negative seed, or means and
            deviations that do not fit the channels.
    """
    require_fitting(image_shape, num_classes, pixel_mean, pixel_deviation, smallest_side=SMALLEST_SIDE)
    he_normal = (keras.initializers.HeNormal(seed=one) for one in layer_seeds(seed, WEIGHT_LAYERS))
    pixels = keras.Input(image_shape, dtype="float32", name="pixels")
    x = pixel_normalization(pixel_mean, pixel_deviation)(pixels)
    x = layers.ReLU(name="stem_relu")(_normalised_convolution(x, FILTERS[0], 1, he_normal, "stem"))
    for number, filters in enumerate(FILTERS, start=1):
        x = _stack(x, filters, he_normal, f"stack{number}")
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    logits = layers.Dense(num_classes, kernel_initializer=next(he_normal), name="logits")(x)
    return keras.Model(pixels, logits, name="resnet8")


def _stack(
    x: keras.KerasTensor, filters: int, he_normal: Iterator[keras.initializers.Initializer], name: str
) -> keras.KerasTensor:
    """Two convolutions and their shortcut, which is a convolution of one pixel where the number of filters changes."""
    widens = x.shape[-1] != filters
    stride = 2 if widens else 1
    y = _normalised_convolution(x, filters, stride, he_normal, f"{name}_1")
    y = _normalised_convolution(layers.ReLU(name=f"{name}_1_relu")(y), filters, 1, he_normal, f"{name}_2")
    if widens:
        shortcut = layers.Conv2D(filters, 1, strides=2, kernel_initializer=next(he_normal), name=f"{name}_shortcut")
        x = shortcut(x)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, y]))


def _normalised_convolution(
    x: keras.KerasTensor,
    filters: int,
    stride: int,
    he_normal: Iterator[keras.initializers.Initializer],
    name: str,
) -> keras.KerasTensor:
    convolution = layers.Conv2D(
        filters, 3, strides=stride, padding="same", kernel_initializer=next(he_normal), name=name
    )
    return layers.BatchNormalization(name=f"{name}_norm")(convolution(x))

"""Augmentations that move pixels: flip, crop and rotate. Each has what is drawn, and what is then done."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from models.hashed_draws import hashed, uniform

PADDING = 8  # the part of a side by which crop pads
# Degrees to either side. Cireşan et al., "Deep, big, simple neural nets for handwritten digit recognition" (2010).
LARGEST_ANGLE = 15.0


def flips(words: list[Any], before: Any) -> Any:
    """Return whether each example is flipped, bool of shape (examples,): every other time that it is seen.

    ``words`` say which examples they are, ``before`` how often each was seen before; half of them begin with it.
    Jordan, "94% on CIFAR-10 in 3.29 seconds on a single GPU" (2024), section 3.6, finds this alternation better than a
    coin wherever flipping helps at all: two epochs in turn show both sides of every image.
    """
    return tf.cast(hashed(words), tf.int64) % 2 != before % 2


def shifts(words: list[Any], side: int) -> Any:
    """Return how far crop cuts from the middle, int32 of shape (examples,), each place as likely as the others."""
    padding = side // PADDING
    return tf.cast(uniform(words, 1)[:, 0] * (2 * padding + 1), tf.int32) - padding


def sources(shift: Any, side: int) -> Any:
    """Return which row or column lies where after a crop, int32 of shape (examples, side).

    The padding mirrors the image without its outermost pixels, as airbench does (Jordan 2024): dcb|abcd|cba.
    """
    moved = tf.abs(tf.range(side)[None, :] + shift[:, None])
    return side - 1 - tf.abs(side - 1 - moved)


def taken_from(images: Any, rows: Any, columns: Any) -> Any:
    """Return images whose pixel [i, j] is that at [rows[i], columns[j]], each pixel as it was."""
    height, width, channels = images.shape[1:]
    pixels = tf.reshape(images, (-1, height * width, channels))
    return tf.gather(pixels, rows[:, :, None] * width + columns[:, None, :], batch_dims=1)


def half_tangents(words: list[Any]) -> Any:
    """Return the tangent of half the angle by which each example is rotated, float32 of shape (examples,).

    All are as likely, and so, within two of a hundred, are all angles. Sine and cosine follow from it by divisions,
    which are the same to the last bit wherever in a tensor an example lies; TensorFlow's own are not.
    """
    return (2 * uniform(words, 1)[:, 0] - 1) * math.tan(math.radians(LARGEST_ANGLE) / 2)


def rotated(images: Any, half_tangent: Any) -> Any:
    """Return images, float32, rotated about their middle, anticlockwise for angles above 0.

    Between pixels it is bilinear; beyond the edge lies the mirror image: dcba|abcd|dcba.
    """
    height, width = images.shape[1:3]
    square = half_tangent * half_tangent
    cosine, sine = (1 - square) / (1 + square), 2 * half_tangent / (1 + square)
    middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
    zero = tf.zeros_like(sine)
    # From a pixel of the result to where it was: x' = a x + b y + c, y' = d x + e y + f, with y downwards.
    from_x = (cosine, -sine, middle_x - cosine * middle_x + sine * middle_y)
    from_y = (sine, cosine, middle_y - sine * middle_x - cosine * middle_y)
    turned = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([*from_x, *from_y, zero, zero], axis=1),
        output_shape=tf.constant([height, width]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )
    return tf.clip_by_value(turned, 0.0, 255.0)  # rounding may have left them by a little

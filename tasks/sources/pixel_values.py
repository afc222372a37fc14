"""Pixels of whatever type and channels as those that are prepared: grey or colour, from 0 to 255."""

from __future__ import annotations

import tensorflow as tf

from served_model.fit import Fit
from served_model.resizing import resize
from tasks.foundation.errors import InputError

WHITE = 255.0
# What stands for white in images of each type that a set may have.
BRIGHTEST = {tf.uint8: 255.0, tf.uint16: 65535.0, tf.float32: 1.0}
CHANNELS = {1: 1, 3: 3, 4: 3}  # of an image, and of what is made of it: what shines through is laid on white


def prepared_channels(name: str, dtype: tf.DType, channels: int | None) -> int:
    """Return the channels of the prepared images: 1 (grey) or 3 (colour).

    Raises:
        InputError: images of set ``name``, which have this type and so many channels, cannot be meant.
    """
    if dtype not in BRIGHTEST:
        raise InputError(
            f"dataset: the images of {name!r} are of type {dtype.name}; "
            f"choose a set whose images are of type {', '.join(known.name for known in BRIGHTEST)}"
        )
    if channels not in CHANNELS:
        raise InputError(
            f"dataset: the images of {name!r} have {channels or 'an unknown number of'} channels; choose a set whose "
            "images have 1 (grey), 3 (colour) or 4 (colour with transparency)"
        )
    return CHANNELS[channels]


def at_size(image: tf.Tensor, size: int, fit: Fit = "stretch") -> tuple[tf.Tensor, tf.Tensor]:
    """Return one image at ``size`` pixels a side, and its lowest and highest value as `require_range` wants them.

    Args:
        image: Of shape (height, width, channels), of a type of `BRIGHTEST`, with 1, 3 or 4 channels.
        size: Pixels a side.
        fit: How an image that is not square becomes square.

    Returns:
        uint8 of shape (size, size, 1 or 3); float32 of shape (2,), in units of what stands for white.
    """
    shares = tf.cast(image, tf.float32) / BRIGHTEST[image.dtype]
    pixels = shares * WHITE
    if image.shape[-1] == 4:
        opacity = shares[..., 3:]
        pixels = pixels[..., :3] * opacity + WHITE * (1 - opacity)
    # A value that is no number is neither the lowest nor the highest.
    told = tf.where(tf.math.is_finite(shares), shares, tf.constant(float("inf")))
    return resize(tf.clip_by_value(pixels, 0, WHITE), size, fit), tf.stack([tf.reduce_min(told), tf.reduce_max(told)])


def require_range(name: str, split: str, lowest: float, highest: float) -> None:
    """Raise InputError if images have values below black, above white, or that are no numbers."""
    if not (lowest >= 0 and highest <= 1):
        raise InputError(
            f"dataset: images of the {split} split of {name!r} have values from {lowest:g} to {highest:g} (inf: not a "
            "number, or infinite); images of floats hold values from 0 (black) to 1 (white), and it cannot be known "
            "what others mean: scale them to that, or save them as one folder for each class and give folder:PATH"
        )

"""Labelled images on their way into a prepared dataset: what every source of them gives, and how they are resized."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import tensorflow as tf

# One split at a given image size, block by block, in an order that never changes: images, uint8 of shape
# (examples, size, size, channels), and labels, int64 of shape (examples,).
Block = tuple[np.ndarray, np.ndarray]
Blocks = Callable[[int], Iterator[Block]]
BLOCK_EXAMPLES = 1024


@dataclass(frozen=True)
class Source:
    """A labelled image set before preparation.

    Attributes:
        location: Where they come from, for a person.
        classes: The name of each label, by label.
        channels: 1 (grey) or 3 (colour).
        counts: Examples in each split; ``train`` is always there, ``test`` may be.
        blocks: The resized examples of each split, by its name.
        identity: Says what the source holds now, as a text that changes with it.
    """

    location: str
    classes: tuple[str, ...]
    channels: int
    counts: dict[str, int]
    blocks: dict[str, Blocks]
    identity: Callable[[], str]


def resize(images: tf.Tensor | np.ndarray, size: int) -> tf.Tensor:
    """Return one uint8 image (height, width, channels), or several of one shape, at ``size`` pixels a side.

    Bilinear and antialiased.
    """
    import tensorflow as tf  # which takes seconds, and a prepared dataset is opened without it

    pixels = tf.cast(images, tf.float32)  # before they are transposed: uint8 makes oneDNN complain on the terminal
    if len(pixels.shape) == 3:
        return tf.cast(_resized(pixels, size), tf.uint8)
    # As the channels of one image: TensorFlow goes from pixel to pixel and takes all channels of each at once. The same
    # numbers, twenty times as fast.
    _, height, width, channels = pixels.shape
    as_channels = tf.reshape(tf.transpose(pixels, (1, 2, 0, 3)), (height, width, -1))
    resized = tf.reshape(_resized(as_channels, size), (size, size, -1, channels))
    return tf.cast(tf.transpose(resized, (2, 0, 1, 3)), tf.uint8)


def _resized(image: tf.Tensor, size: int) -> tf.Tensor:
    import tensorflow as tf

    return tf.round(tf.image.resize(image, (size, size), method="bilinear", antialias=True))

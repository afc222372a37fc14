"""Augmentations that change pixels where they are: color and erase. Each has what is drawn, and what is then done."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from models.hashed_draws import hashed, uniform

# Brightness, contrast and saturation become at least 1 - 0.4 and at most 1 + 0.4 of what they were: the ColorJitter of
# fb.resnet.torch (Gross and Wilber 2016), after Howard, "Some improvements on deep CNN based classification" (2013).
COLOR_RANGE = 0.4
GREY = (0.299, 0.587, 0.114)  # of red, green and blue in the grey value of a colour (ITU-R BT.601)

# Zhong et al., "Random erasing data augmentation" (2020): how often, which share of the image, how tall by how wide.
ERASED_OFTEN, SMALLEST_SHARE, LARGEST_SHARE, FLATTEST, TALLEST = 0.5, 0.02, 0.4, 0.3, 1 / 0.3
BOXES_TRIED = 8  # of which the first that fits is taken; that none of them does, happens once in millions


def color_factors(words: list[Any]) -> Any:
    """Return what brightness, contrast and saturation are multiplied by, float32 of shape (examples, 3)."""
    return 1 + (2 * uniform(words, 3) - 1) * COLOR_RANGE


def recolored(images: Any, factors: Any) -> Any:
    """Return images, float32, of another brightness, contrast and, of three channels, saturation, in this order.

    As torchvision's ColorJitter defines them: by brightness pixels are multiplied; by contrast they move from, or
    towards, the image's mean grey value; by saturation each its own grey value.
    """
    brightness, contrast, saturation = (factors[:, place, None, None, None] for place in range(3))
    images = _within(images * brightness)
    middle = tf.reduce_mean(_grey(images), axis=(1, 2, 3), keepdims=True)
    images = _within(middle + (images - middle) * contrast)
    if images.shape[-1] != len(GREY):
        return images
    grey = _grey(images)
    return _within(grey + (images - grey) * saturation)


def _grey(images: Any) -> Any:
    if images.shape[-1] == len(GREY):
        return tf.reduce_sum(images * tf.constant(GREY), axis=-1, keepdims=True)
    return tf.reduce_mean(images, axis=-1, keepdims=True)


def _within(images: Any) -> Any:
    return tf.clip_by_value(images, 0.0, 255.0)


def boxes(words: list[Any], height: int, width: int) -> Any:
    """Return the box that is erased from each example: (top, left, height, width), int32 of shape (examples, 4).

    Half of them are empty. As in Zhong et al. 2020, algorithm 1, a box that does not fit is drawn again.
    """
    drawn = uniform(words, 3 + 2 * BOXES_TRIED)
    whether, place, sizes = drawn[:, 0], drawn[:, 1:3], drawn[:, 3:]
    area = (SMALLEST_SHARE + sizes[:, ::2] * (LARGEST_SHARE - SMALLEST_SHARE)) * height * width
    shape = FLATTEST + sizes[:, 1::2] * (TALLEST - FLATTEST)
    tall, wide = (tf.cast(tf.round(tf.sqrt(each)), tf.int32) for each in (area * shape, area / shape))
    fits = (tall < height) & (wide < width)
    first = tf.reduce_min(tf.where(fits, tf.range(BOXES_TRIED), BOXES_TRIED), axis=1)
    taken = (whether < ERASED_OFTEN) & (first < BOXES_TRIED)
    sizes = tf.gather(tf.stack([tall, wide], axis=2), tf.minimum(first, BOXES_TRIED - 1), batch_dims=1)
    sizes = tf.where(taken[:, None], sizes, 0)
    places = tf.cast(place * tf.cast([height, width] - sizes + 1, tf.float32), tf.int32)
    return tf.concat([places, sizes], axis=1)


def noise_keys(words: list[Any]) -> Any:
    """Return what the noise in each example's box is made from, uint32 of shape (examples,)."""
    return hashed([*words, 0xE4A5ED])


def erased(images: Any, box: Any, keys: Any) -> Any:
    """Return images, float32, of which a box is noise, each value from 0 to 255 as likely as the others."""
    height, width, channels = images.shape[1:]
    top, left, tall, wide = (box[:, place, None] for place in range(4))
    rows, columns = tf.range(height)[None, :], tf.range(width)[None, :]
    in_rows, in_columns = (rows >= top) & (rows < top + tall), (columns >= left) & (columns < left + wide)
    size = height * width * channels
    words = hashed([keys[:, None], tf.range(-(-size // 4))[None, :]])  # each makes four values
    noise = tf.reshape(tf.bitcast(words, tf.uint8), (-1, words.shape[1] * 4))[:, :size]
    noise = tf.cast(tf.reshape(noise, tf.shape(images)), tf.float32)
    return tf.where((in_rows[:, :, None] & in_columns[:, None, :])[..., None], noise, images)

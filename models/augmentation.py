"""What is done to the images of a training step, so that a network hardly ever sees quite the same image twice.

All that is random about it is a function of the run's seed, the example, and how often that was seen before: not of the
order, nor, but for whom an image is mixed with, of the batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from models.choice import choose
from models.hashed_draws import uniform
from models.image_changes import boxes, color_factors, erased, noise_keys, recolored
from models.image_movements import flips, half_tangents, rotated, shifts, sources, taken_from

# By their names, in the order in which they are done, and what marks the random numbers of each.
AUGMENTATIONS: Mapping[str, int] = {"flip": 1, "crop": 2, "rotate": 3, "color": 4, "erase": 5, "mixup": 6}
SHARES_TRIED = 8  # that none is accepted happens once in twenty thousand million times

Numbers = dict[str, Any]


class Batch(NamedTuple):
    """Examples as the network sees them.

    Attributes:
        images: Of shape (examples, height, width, channels), from 0 to 255: uint8 as they are, else float32.
        labels: int32 of shape (examples,).
        others: The labels of the images that are mixed into these; none: nothing is mixed.
        shares: float32 of shape (examples,), how much of each image is its own; none: nothing is mixed.
    """

    images: Any
    labels: Any
    others: Any = None
    shares: Any = None

    def loss(self, loss: keras.losses.Loss, logits: Any) -> Any:
        """Return the mean loss: of mixed images that of both labels, mixed as they are."""
        if self.others is None:
            return loss(self.labels, logits)
        own = loss(self.labels, logits, sample_weight=self.shares)
        return own + loss(self.others, logits, sample_weight=1 - self.shares)


class Augmentation:
    """Some of the `AUGMENTATIONS`, done in their order, whatever the order of ``names``.

    Args:
        names: Which.
        seed: From 0 to 2^32 - 1.
        image_shape: (height, width, channels).

    Raises:
        ValueError: an unknown name.
    """

    def __init__(self, names: Sequence[str], seed: int, image_shape: tuple[int, int, int]) -> None:
        for name in names:
            choose("augmentation", AUGMENTATIONS, name)
        self.names = tuple(name for name in AUGMENTATIONS if name in names)
        self._seed = seed
        self._height, self._width, _ = image_shape

    def numbers(self, appearances: Any) -> Numbers:
        """Return all that is random, by name, each for all examples: drawn for many batches at once, it costs little.

        Args:
            appearances: int64 of shape (examples, 2): which example, and how often it was seen before.
        """
        example, before = appearances[:, 0], appearances[:, 1]
        words = {name: [self._seed, AUGMENTATIONS[name], example, before] for name in self.names}
        numbers: Numbers = {}
        if "flip" in words or "crop" in words:
            numbers |= self._movement(words, example, before)
        if "rotate" in words:
            numbers["half_tangent"] = half_tangents(words["rotate"])
        if "color" in words:
            numbers["factors"] = color_factors(words["color"])
        if "erase" in words:
            numbers["box"] = boxes(words["erase"], self._height, self._width)
            numbers["noise"] = noise_keys(words["erase"])
        if "mixup" in words:
            numbers["share"], numbers["rank"] = shares_and_ranks(words["mixup"])
        return numbers

    def _movement(self, words: Mapping[str, Sequence[Any]], example: Any, before: Any) -> Numbers:
        """Return where each row and column comes from: with flip and crop both, pixels are still moved once."""
        down = right = tf.zeros(tf.shape(example), tf.int32)
        if "crop" in words:
            down, right = (
                shifts([*words["crop"], axis], side) for axis, side in enumerate((self._height, self._width))
            )
        rows, columns = sources(down, self._height), sources(right, self._width)
        if "flip" in words:
            flipped = flips([self._seed, AUGMENTATIONS["flip"], example], before)
            columns = tf.where(flipped[:, None], self._width - 1 - columns, columns)
        return {"rows": rows, "columns": columns}

    def batch(self, plain: Batch, numbers: Numbers) -> Batch:
        """Return a batch as the network sees it.

        Args:
            plain: The batch as it is, with uint8 images.
            numbers: Of `numbers`, those of its examples.
        """
        images = tf.cast(plain.images, tf.float32)  # as the network does next; a GPU cannot gather bytes
        if "rows" in numbers:
            images = taken_from(images, numbers["rows"], numbers["columns"])
        if "half_tangent" in numbers:
            images = rotated(images, numbers["half_tangent"])
        if "factors" in numbers:
            images = recolored(images, numbers["factors"])
        if "box" in numbers:
            images = erased(images, numbers["box"], numbers["noise"])
        if "share" in numbers:
            return mixed_batch(images, plain.labels, numbers["share"], numbers["rank"])
        return Batch(images, plain.labels)


def shares_and_ranks(words: list[Any]) -> tuple[Any, Any]:
    """Return how much each example keeps of its own image, and its rank when partners are dealt out.

    The share is the larger part of Beta(alpha, alpha), alpha 0.2 (Zhang et al., "mixup: beyond empirical risk
    minimization", 2018, section 3.1), by the method of Jöhnk (1964): of two numbers u and v between 0 and 1,
    x / (x + y) with x = u^(1 / alpha) and y = v^(1 / alpha), where x + y <= 1, as in 95 of 100 pairs. That the larger
    part is an example's own, as in Berthelot et al., "MixMatch" (2019), makes no other pairs, but no pair twice, and
    each example the heavier one of its image.

    Returns:
        Both float32 of shape (examples,): from 0.5 to 1, and between 0 and 1.
    """
    drawn = uniform(words, 1 + 2 * SHARES_TRIED)
    squares = drawn[:, 1:] * drawn[:, 1:]
    powers = squares * squares * drawn[:, 1:]  # by products: TensorFlow's own power depends on the place in a tensor
    x, y = powers[:, ::2], powers[:, 1::2]
    accepted = tf.where(x + y <= 1, tf.range(SHARES_TRIED), SHARES_TRIED - 1)
    share = tf.gather(x / (x + y), tf.reduce_min(accepted, axis=1), batch_dims=1)
    return tf.maximum(share, 1 - share), drawn[:, 0]


def mixed_batch(images: Any, labels: Any, share: Any, rank: Any) -> Batch:
    """Mix each image, float32, with that of its partner in the batch.

    Partners are dealt out by the order of the ranks: a random permutation of the batch, which in one batch of 32 leaves
    about one image to itself. So does the paper's code; here each image has a share of its own.
    """
    partner = tf.argsort(rank)
    others = tf.gather(images, partner)
    mixed = others + (images - others) * share[:, None, None, None]
    mixed = tf.clip_by_value(mixed, 0.0, 255.0)  # rounding may have left them by a little
    return Batch(mixed, labels, tf.gather(labels, partner), share)

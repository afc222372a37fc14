"""The floor: LeNet on MNIST in one hand-written tf.function, with nothing else.

Batches are gathered by shuffled indices from one uint8 array; forward, gradient and update are TensorFlow's own
operations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import tensorflow as tf

from tasks.data.prepared import PreparedDataset

BATCH_SIZE = 32
SHAPES = ((5, 5, 1, 6), (6,), (5, 5, 6, 16), (16,), (400, 120), (120,), (120, 84), (84,), (84, 10), (10,))
Update = Callable[[Sequence[tf.Tensor]], None]
Network = Callable[[Sequence[tf.Variable], tf.Tensor], tf.Tensor]


def logits_of(weights: Sequence[tf.Variable], pixels: tf.Tensor) -> tf.Tensor:
    """Return the logits for pixels that are normalised."""
    x = tf.nn.relu(tf.nn.conv2d(pixels, weights[0], 1, "VALID") + weights[1])
    x = tf.nn.max_pool2d(x, 2, 2, "VALID")
    x = tf.nn.relu(tf.nn.conv2d(x, weights[2], 1, "VALID") + weights[3])
    x = tf.reshape(tf.nn.max_pool2d(x, 2, 2, "VALID"), (-1, 400))
    x = tf.nn.relu(x @ weights[4] + weights[5])
    x = tf.nn.relu(x @ weights[6] + weights[7])
    return x @ weights[8] + weights[9]


def zeros_like(weights: Sequence[tf.Variable]) -> list[tf.Variable]:
    """Return a variable full of zeros for each weight."""
    return [tf.Variable(tf.zeros_like(weight)) for weight in weights]


def momentum(weights: Sequence[tf.Variable]) -> Update:
    """Return an update with learning rate 0.01 and momentum 0.9."""
    velocities = zeros_like(weights)

    def update(gradients: Sequence[tf.Tensor]) -> None:
        for weight, velocity, gradient in zip(weights, velocities, gradients, strict=True):
            velocity.assign(0.9 * velocity - 0.01 * gradient)
            weight.assign_add(velocity)

    return update


def adam(weights: Sequence[tf.Variable]) -> Update:
    """Return an update with learning rate 0.001 (Kingma and Ba, 2015, with Keras' epsilon)."""
    means, squares, steps = zeros_like(weights), zeros_like(weights), tf.Variable(0.0)

    def update(gradients: Sequence[tf.Tensor]) -> None:
        steps.assign_add(1.0)
        rate = 0.001 * tf.sqrt(1 - tf.pow(0.999, steps)) / (1 - tf.pow(0.9, steps))
        for weight, mean, square, gradient in zip(weights, means, squares, gradients, strict=True):
            mean.assign_add((gradient - mean) * 0.1)
            square.assign_add((tf.square(gradient) - square) * 0.001)
            weight.assign_sub(mean * rate / (tf.sqrt(square) + 1e-7))

    return update


def rmsprop(weights: Sequence[tf.Variable]) -> Update:
    """Return an update with learning rate 0.001 and discount 0.9."""
    squares = zeros_like(weights)

    def update(gradients: Sequence[tf.Tensor]) -> None:
        for weight, square, gradient in zip(weights, squares, gradients, strict=True):
            square.assign(0.9 * square + 0.1 * tf.square(gradient))
            weight.assign_sub(0.001 * gradient / tf.sqrt(square + 1e-7))

    return update


OPTIMIZERS: dict[str, Callable[[Sequence[tf.Variable]], Update]] = {
    "momentum": momentum,
    "adam": adam,
    "rmsprop": rmsprop,
}


def make_epoch(
    weights: Sequence[tf.Variable],
    update: Update,
    images: Any,
    labels: Any,
    *,
    mean: Any,
    deviation: Any,
    network: Network = logits_of,
) -> Callable[[Any], tf.Tensor]:
    """Return a function that trains on the examples of these indices, a batch a step, and returns the mean loss."""
    all_images, all_labels = tf.constant(images), tf.constant(labels)

    @tf.function
    def epoch(order: tf.Tensor) -> tf.Tensor:
        steps, total = tf.shape(order)[0] // BATCH_SIZE, tf.constant(0.0)
        for step in tf.range(steps):
            batch = order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
            pixels = (tf.cast(tf.gather(all_images, batch), tf.float32) - mean) / deviation
            with tf.GradientTape() as tape:
                logits = network(weights, pixels)
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.gather(all_labels, batch), logits)
                loss = tf.reduce_mean(losses)
            update(tape.gradient(loss, weights))
            total += loss
        return total / tf.cast(steps, tf.float32)

    return cast("Callable[[Any], Any]", epoch)


def first_weights() -> list[tf.Variable]:
    """Return weights of LeNet to begin with."""
    random = np.random.default_rng(0)
    drawn = [random.normal(0, 0.1, shape) if len(shape) > 1 else np.zeros(shape) for shape in SHAPES]
    return [tf.Variable(each, dtype=tf.float32) for each in drawn]


def make_blocks(
    prepared: PreparedDataset, weights: Sequence[tf.Variable], network: Network, optimizer: str
) -> Callable[[int], None]:
    """Return a function that trains on the next so many examples of a shuffled training split, over and over."""
    train = np.load(prepared.directory / "train.npy")
    images, labels = (np.load(prepared.directory / f"{name}.npy")[train] for name in ("images", "labels"))
    pixels = {"mean": list(prepared.pixel_mean), "deviation": list(prepared.pixel_deviation)}
    epoch = make_epoch(weights, OPTIMIZERS[optimizer](weights), images, labels, **pixels, network=network)
    random, left = np.random.default_rng(0), np.empty(0, np.int32)

    def block(examples: int) -> None:
        nonlocal left
        if not len(left):
            left = random.permutation(len(labels)).astype(np.int32)
        chosen, left = left[:examples], left[examples:]
        epoch(tf.constant(chosen)).numpy()

    return block

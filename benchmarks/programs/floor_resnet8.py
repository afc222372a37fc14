"""The floor of ResNet-8: its layers as TensorFlow's own operations, for the one function of `floor.make_epoch`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

STACKS = ((16, 1), (32, 2), (64, 2))  # filters, and the stride of the first convolution
MOMENTUM, EPSILON = 0.99, 1e-3  # of batch normalisation, as Keras has them
Named = tuple[str, tuple[int, ...]]


def shapes(channels: int = 3, classes: int = 10) -> Iterator[Named]:
    """Yield name and shape of each trained weight, in the order in which `network` takes them."""

    def convolution(size: int, before: int, filters: int) -> Iterator[Named]:
        yield from (("kernel", (size, size, before, filters)), ("bias", (filters,)))

    def normalised(before: int, filters: int) -> Iterator[Named]:
        yield from (*convolution(3, before, filters), ("gamma", (filters,)), ("beta", (filters,)))

    before = STACKS[0][0]
    yield from normalised(channels, before)
    for filters, stride in STACKS:
        yield from (*normalised(before, filters), *normalised(filters, filters))
        if stride > 1:
            yield from convolution(1, before, filters)
        before = filters
    yield from (("kernel", (before, classes)), ("bias", (classes,)))


def network(moving: Sequence[tf.Variable]) -> Callable[[Sequence[tf.Variable], tf.Tensor], tf.Tensor]:
    """Return the network, in training; ``moving`` has the mean and variance of each normalisation, which it moves."""

    def logits_of(weights: Sequence[tf.Variable], pixels: tf.Tensor) -> tf.Tensor:
        weight, statistic = iter(weights), iter(moving)

        def convolution(x: tf.Tensor, stride: int) -> tf.Tensor:
            return tf.nn.bias_add(tf.nn.conv2d(x, next(weight), stride, "SAME"), next(weight))

        def normalised(x: tf.Tensor, stride: int) -> tf.Tensor:
            x = convolution(x, stride)
            gamma, beta = next(weight), next(weight)
            x, mean, variance = tf.compat.v1.nn.fused_batch_norm(x, gamma, beta, epsilon=EPSILON, is_training=True)
            for variable, value in ((next(statistic), mean), (next(statistic), variance)):
                variable.assign(variable * MOMENTUM + value * (1 - MOMENTUM))
            return x

        x = tf.nn.relu(normalised(pixels, 1))
        for _, stride in STACKS:
            y = normalised(tf.nn.relu(normalised(x, stride)), 1)
            x = tf.nn.relu(y + (convolution(x, stride) if stride > 1 else x))
        return tf.reduce_mean(x, (1, 2)) @ next(weight) + next(weight)

    return logits_of


def first_weights() -> list[tf.Variable]:
    """Return weights to begin with."""
    random, first = np.random.default_rng(0), {"bias": np.zeros, "beta": np.zeros, "gamma": np.ones}

    def drawn(shape: tuple[int, ...]) -> np.ndarray:
        return random.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)

    return [tf.Variable(first.get(name, drawn)(shape), dtype=tf.float32) for name, shape in shapes()]


def first_statistics() -> list[tf.Variable]:
    """Return the moving mean and variance of each normalisation, which have seen nothing yet."""
    filters = [shape for name, shape in shapes() if name == "gamma"]
    return [tf.Variable(fill(shape), dtype=tf.float32) for shape in filters for fill in (np.zeros, np.ones)]

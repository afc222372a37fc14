"""Batch normalisation, fused in training: the numbers of Keras' own layer, and of the paper."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.fused_normalization import fused, trained_logits

IMAGES = np.random.default_rng(0).normal(3, 2, (5, 4, 4, 3)).astype(np.float32)
UPSTREAM = np.random.default_rng(1).normal(size=IMAGES.shape).astype(np.float32)


def network(**given: Any) -> keras.Model:
    """Return one normalisation of images, with weights that change something."""
    model = keras.Sequential([keras.Input(IMAGES.shape[1:]), keras.layers.BatchNormalization(name="norm", **given)])
    random = np.random.default_rng(2)
    model.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in model.weights])
    return model


def stepped(model: keras.Model, forwards: Callable[[keras.Model, tf.Tensor], tf.Tensor]) -> list[np.ndarray]:
    """Return outputs, gradients (of the images, then of the weights) and all weights after one pass in training."""
    images = tf.constant(IMAGES)
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = forwards(model, images)
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * UPSTREAM)
    gradients = tape.gradient(loss, [images, *model.trainable_variables])
    return [np.asarray(value) for value in (outputs, *gradients, *model.weights)]


def as_keras(model: keras.Model, images: tf.Tensor) -> tf.Tensor:
    return model(images, training=True)


def operations(model: keras.Model) -> set[str]:
    """Return the kinds of operations of a pass in training."""
    traced = tf.function(partial(trained_logits, model)).get_concrete_function(tf.TensorSpec(IMAGES.shape))
    return {operation.type for operation in traced.graph.get_operations()}


def test_the_numbers_are_those_of_the_paper() -> None:
    model = network(momentum=0.9, epsilon=0.01)
    gamma, beta, moving_mean, moving_variance = model.get_weights()
    outputs, *_ = stepped(model, trained_logits)
    # Ioffe and Szegedy, "Batch normalization", 2015, algorithm 1: mean and mean square distance of each channel.
    pixels = IMAGES.reshape(-1, 3).astype(np.float64)
    mean = pixels.sum(axis=0) / 80
    variance = ((pixels - mean) ** 2).sum(axis=0) / 80
    np.testing.assert_allclose(outputs, gamma * (IMAGES - mean) / np.sqrt(variance + 0.01) + beta, atol=1e-5)
    _, _, mean_after, variance_after = model.get_weights()
    np.testing.assert_allclose(mean_after, 0.9 * moving_mean + 0.1 * mean, rtol=1e-5)
    np.testing.assert_allclose(variance_after, 0.9 * moving_variance + 0.1 * variance, rtol=1e-5)


@pytest.mark.parametrize("given", [{}, {"scale": False}, {"center": False}, {"axis": 3}, {"dtype": "mixed_bfloat16"}])
def test_outputs_gradients_and_moving_statistics_are_those_of_keras(given: dict[str, Any]) -> None:
    model, other = network(**given), network(**given)
    assert "FusedBatchNormV3" in operations(network(**given))
    for mine, its in zip(stepped(model, trained_logits), stepped(other, as_keras), strict=True):
        assert mine.dtype == its.dtype
        near = 0.02 if mine.dtype != np.float32 else 2e-5
        np.testing.assert_allclose(mine.astype(np.float32), its.astype(np.float32), atol=near, rtol=near)


def test_one_value_a_channel_has_no_variance() -> None:
    model = keras.Sequential([keras.Input((1, 1, 2)), keras.layers.BatchNormalization(momentum=0.5)])
    trained_logits(model, tf.constant([[[[4.0, 8.0]]]]))
    *_, mean, variance = model.get_weights()
    assert (mean.tolist(), variance.tolist()) == ([2, 4], [0.5, 0.5])


@pytest.mark.parametrize("given", [{"axis": 1}, {"renorm": True}, {"synchronized": True}, {"trainable": False}])
def test_what_does_more_is_left_to_keras(given: dict[str, Any]) -> None:
    model, other = network(**given), network(**given)
    assert "FusedBatchNormV3" not in operations(network(**given))
    for mine, its in zip(stepped(model, trained_logits), stepped(other, as_keras), strict=True):
        np.testing.assert_array_equal(mine, its)


def test_vectors_are_left_to_keras() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization()])
    assert trained_logits(model, tf.ones((2, 3))).shape == (2, 3)


def test_layers_deep_inside_are_fused_and_all_are_keras_own_again_afterwards() -> None:
    inner = network()
    model = keras.Sequential([keras.Input(IMAGES.shape[1:]), inner, keras.layers.BatchNormalization()])
    layers = [inner.get_layer("norm"), model.layers[-1]]
    with fused(model):
        assert all("call" in vars(layer) for layer in layers)
    assert not any("call" in vars(layer) for layer in layers)

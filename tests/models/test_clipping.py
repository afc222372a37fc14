"""Gradients that are clipped and gathered, and averages meanwhile, against runs worked out in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
from keras.optimizers.schedules import PiecewiseConstantDecay

from models.clipping import Clipping, counted_clipping
from models.evaluation_weights import evaluation_weights
from models.losses import make_loss
from models.optimizers import make_optimizer
from models.steps import TrainedSteps, make_train_steps
from models.updates import settle_updates

BATCH, STEPS, PIXELS, CLASSES = 4, 7, 3, 3
random = np.random.default_rng(5)
IMAGES = random.integers(0, 256, (STEPS * BATCH, 1, PIXELS, 1)).astype(np.uint8)
LABELS = random.integers(0, CLASSES, STEPS * BATCH).astype(np.int32)
START = random.normal(size=(PIXELS, CLASSES)).astype(np.float32) / 50
RATES = [0.001] * 3 + [0.0002] * 4  # by batch


def compiled(optimizer: str = "sgd", **updates: Any) -> keras.Model:
    """Softmax regression on raw pixels, whose gradient a line of NumPy has."""
    pixels = keras.Input((1, PIXELS, 1))
    logits = keras.layers.Dense(CLASSES, use_bias=False)(keras.layers.Flatten()(pixels))
    model = keras.Model(pixels, logits)
    model.set_weights([START])
    moving = make_optimizer(optimizer, learning_rate=PiecewiseConstantDecay([2], [RATES[0], RATES[-1]]))
    settle_updates(moving, **updates)
    model.compile(optimizer=moving, loss=make_loss("softmax_cross_entropy"))
    model.optimizer.build(model.trainable_variables)
    return model


def trained(model: keras.Model, *blocks: tuple[int, int]) -> list[TrainedSteps]:
    """Train on blocks of batches, from one to before another."""
    train_steps = make_train_steps(model, BATCH)
    return [
        train_steps(IMAGES[first * BATCH : last * BATCH], LABELS[first * BATCH : last * BATCH])
        for first, last in blocks
    ]


def gradient(weights: np.ndarray, step: int) -> np.ndarray:
    """The gradient of softmax cross entropy over one batch, in float64."""
    chosen = slice(step * BATCH, (step + 1) * BATCH)
    pixels = IMAGES[chosen].reshape(BATCH, PIXELS).astype(np.float64)
    logits = pixels @ weights
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return pixels.T @ (shares - np.eye(CLASSES)[LABELS[chosen]]) / BATCH


def by_hand(accumulate: int, bound: float) -> Iterator[tuple[np.ndarray, int, int]]:
    """Yield after each batch the weights, and how many updates there were and were clipped."""
    weights, waiting, updates, clipped = START.astype(np.float64), [], 0, 0
    for step in range(STEPS):
        waiting.append(gradient(weights, step))
        if len(waiting) == accumulate:
            mean = np.mean(waiting, axis=0)
            norm = float(np.sqrt((mean**2).sum()))
            weights = weights - RATES[step] * mean * min(1.0, bound / norm)
            waiting, updates, clipped = [], updates + 1, clipped + (norm > bound)
        yield weights, updates, clipped


BOUND = 95.0  # between the norms


@pytest.mark.parametrize("accumulate", [1, 2, 3, 7])
@pytest.mark.parametrize("bound", [BOUND, 1e9])
def test_updates_are_those_of_numpy_whatever_blocks_they_come_in(accumulate: int, bound: float) -> None:
    expected = list(by_hand(accumulate, bound))
    for blocks in ([(0, STEPS)], [(0, 1), (1, 3), (3, STEPS)]):
        model = compiled(clip_norm=bound, accumulate=accumulate)
        told = trained(model, *blocks)
        weights, updates, clipped = expected[-1]
        np.testing.assert_allclose(model.get_weights()[0], weights, rtol=2e-4, atol=1e-6)
        assert np.sum([one.clipping for one in told], axis=0).tolist() == [updates, clipped]
        rates = np.concatenate([one.learning_rates for one in told])
        np.testing.assert_allclose(rates, RATES, rtol=1e-6)  # a schedule counts batches
        assert int(model.optimizer.iterations) == updates
    assert bound > BOUND or 0 < clipped <= updates


def test_the_bound_of_the_test_tells_some_updates_from_others() -> None:
    assert 0 < list(by_hand(1, BOUND))[-1][2] < STEPS


def test_an_average_goes_on_with_every_batch() -> None:
    model = compiled(accumulate=2, average="ema", ema_momentum=0.6)
    average = None
    for step, (weights, updates, _) in enumerate(by_hand(2, np.inf)):
        trained(model, (step, step + 1))
        first = average is None or step < 2  # the update that ends the second batch is the first
        average = weights if first else 0.6 * average + 0.4 * weights
        with evaluation_weights(model):
            np.testing.assert_allclose(model.get_weights()[0], average, rtol=2e-4, atol=1e-6)
        assert int(model.optimizer.iterations) == updates


def test_adam_counts_updates_in_the_corrections_of_its_first_steps() -> None:
    model = compiled("adam", accumulate=3)
    trained(model, (0, 3))
    mean = np.mean([gradient(START.astype(np.float64), step) for step in range(3)], axis=0)
    expected = START - RATES[2] * mean / (np.abs(mean) + 1e-7)  # the first step of Adam is as long as its rate
    np.testing.assert_allclose(model.get_weights()[0], expected, rtol=1e-3)


def test_gradients_within_the_bound_are_not_changed_by_a_bit() -> None:
    models = [compiled("momentum", clip_norm=bound) for bound in (None, 1e30, 1 / 3)]
    told = [trained(model, (0, STEPS))[0] for model in models]
    np.testing.assert_array_equal(models[0].get_weights()[0], models[1].get_weights()[0])
    assert told[0].clipping is None
    assert np.array(told[1].clipping).tolist() == [STEPS, 0]
    assert np.array(told[2].clipping).tolist() == [STEPS, STEPS]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_stays_so(wrong: float) -> None:
    first, second, third = Clipping(1.0)([np.array([wrong, 1.0], np.float32), np.zeros(2, np.float32), None])
    assert not np.isfinite(first[0])
    assert second.shape == (2,)
    assert third is None


def test_without_a_bound_nothing_is_counted() -> None:
    model = compiled()
    assert counted_clipping(model) is None
    assert "_clip_gradients" not in vars(model.optimizer)

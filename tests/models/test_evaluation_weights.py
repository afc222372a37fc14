"""A model is evaluated with other weights than it is trained with, and has its own again to the last bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import pytest

from models.evaluation_weights import evaluation_weights, hold_evaluation_weights
from models.lenet import build_lenet
from models.losses import make_loss
from models.optimizers import SGD, make_optimizer
from models.steps import make_train_steps
from models.updates import settle_updates

STEPS, BATCH = 5, 8
LABELS = np.random.default_rng(0).integers(0, 3, STEPS * BATCH).astype(np.int32)
IMAGES = np.random.default_rng(1).integers(0, 256, (STEPS * BATCH, 16, 16, 1)).astype(np.uint8)


class Doubling(SGD):
    """An optimizer that wants twice its weights evaluated."""

    def weights_to_evaluate(self, variables: Sequence[keras.Variable]) -> list[Any]:
        return [2 * variable for variable in variables]


def compiled(optimizer: keras.optimizers.Optimizer | None = None, **updates: Any) -> keras.Model:
    model = build_lenet((16, 16, 1), 3, pixel_mean=[110.0], pixel_deviation=[60.0], seed=3)
    optimizer = optimizer or make_optimizer("momentum", learning_rate=0.05)
    settle_updates(optimizer, **updates)
    model.compile(optimizer=optimizer, loss=make_loss("softmax_cross_entropy"))
    model.optimizer.build(model.trainable_variables)
    return model


def train(model: keras.Model, first: int, last: int) -> None:
    chosen = slice(first * BATCH, last * BATCH)
    make_train_steps(model, BATCH)(IMAGES[chosen], LABELS[chosen])


def weights(model: keras.Model) -> list[np.ndarray]:
    return [np.array(weight) for weight in model.get_weights()]


def assert_equal(mine: list[np.ndarray], its: list[np.ndarray]) -> None:
    for one, other in zip(mine, its, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("ends", [None, ZeroDivisionError])
def test_a_model_holds_what_is_evaluated_and_then_its_own_again(ends: type[Exception] | None) -> None:
    model = compiled(Doubling(learning_rate=0.05))
    train(model, 0, 2)
    own = weights(model)
    own[2][0, 0, 0, 0] = np.nan  # whatever they are
    model.set_weights(own)

    def look() -> None:
        with evaluation_weights(model):
            trainable = [np.array(variable) for variable in model.trainable_variables]
            assert_equal(trainable, [2 * np.array(one) for one in own[-len(trainable) :]])
            if ends:
                raise ends

    if ends:
        with pytest.raises(ends):
            look()
    else:
        look()
    assert [one.tobytes() for one in weights(model)] == [one.tobytes() for one in own]


def test_keras_moving_average_is_that_of_numpy_and_training_knows_nothing_of_it() -> None:
    averaged, plain = compiled(average="ema", ema_momentum=0.7), compiled()
    average: list[np.ndarray] = []
    for step in range(STEPS):
        train(averaged, step, step + 1)
        train(plain, step, step + 1)
        now = [np.array(variable, np.float64) for variable in plain.trainable_variables]
        average = [0.7 * old + 0.3 * new for old, new in zip(average or now, now, strict=True)]
        with evaluation_weights(averaged):
            for mine, its in zip(averaged.trainable_variables, average, strict=True):
                np.testing.assert_allclose(np.array(mine), its, rtol=1e-5, atol=1e-7)
        assert_equal(weights(averaged), weights(plain))
    assert any(
        not np.allclose(old, np.array(new), rtol=1e-3)
        for old, new in zip(average, plain.trainable_variables, strict=True)
    )
    hold_evaluation_weights(averaged)
    for mine, its in zip(averaged.trainable_variables, average, strict=True):
        np.testing.assert_allclose(np.array(mine), its, rtol=1e-5, atol=1e-7)


def test_frozen_layers_stay_as_they_are_and_the_others_have_their_own_averages() -> None:
    model = compiled(average="ema", ema_momentum=0.5)
    train(model, 0, 3)
    with evaluation_weights(model):
        whole = {variable.path: np.array(variable) for variable in model.trainable_variables}
    model.get_layer("conv1").trainable = False
    frozen = weights(model.get_layer("conv1"))
    with evaluation_weights(model):
        assert_equal(weights(model.get_layer("conv1")), frozen)
        for variable in model.trainable_variables:
            np.testing.assert_array_equal(np.array(variable), whole[variable.path])


def test_before_the_first_step_there_is_no_average() -> None:
    model = compiled(average="ema", ema_momentum=0.9)
    own = weights(model)
    with evaluation_weights(model):
        assert_equal(weights(model), own)
    hold_evaluation_weights(model)
    assert_equal(weights(model), own)


def test_an_optimizer_without_an_average_copies_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = compiled()
    train(model, 0, 1)
    own = weights(model)
    monkeypatch.setattr(keras.Variable, "assign", lambda *_: 1 / 0)
    with evaluation_weights(model):
        assert_equal(weights(model), own)
    hold_evaluation_weights(model)
    assert_equal(weights(model), own)


def test_what_is_averaged_already_is_not_averaged_again() -> None:
    with pytest.raises(ValueError, match="average: received ema, but optimizer 'sgd' is evaluated at an average of"):
        settle_updates(Doubling(learning_rate=0.05, name="sgd"), average="ema", ema_momentum=0.9)

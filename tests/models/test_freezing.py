"""What is frozen stays as it is, moving statistics and all, until it is opened."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from models.freezing import Freezing
from models.losses import make_loss
from models.optimizers import make_optimizer
from models.steps import make_train_steps

layers = keras.layers
IMAGES = np.random.default_rng(0).integers(0, 256, (24, 4), dtype=np.uint8)
LABELS = np.random.default_rng(1).integers(0, 3, 24, dtype=np.int32)


def network() -> keras.Model:
    """A backbone in a network of its own, of which one layer is never to be trained."""
    fixed = layers.Dense(6, name="fixed", trainable=False)
    stack = [keras.Input((4,)), layers.Rescaling(1 / 255), fixed, layers.Dense(5, name="hidden")]
    backbone = keras.Sequential([*stack, layers.BatchNormalization(name="normal"), layers.Dropout(0.2, seed=1)])
    model = keras.Sequential([keras.Input((4,)), backbone, layers.Dense(3, name="logits")])
    model.compile(optimizer=make_optimizer("adam", learning_rate=0.01), loss=make_loss("softmax_cross_entropy"))
    model.optimizer.build(model.trainable_variables)
    return model


def changed(model: keras.Model, before: list[np.ndarray]) -> set[str]:
    return {
        "/".join(weight.path.split("/")[-2:])
        for weight, was in zip(model.weights, before, strict=True)
        if not np.array_equal(weight, was)
    }


def train(model: keras.Model) -> set[str]:
    """Make three steps, and return what they changed."""
    before = model.get_weights()
    make_train_steps(model, 8)(IMAGES, LABELS)
    return changed(model, before)


HEAD = {"logits/kernel", "logits/bias"}
MOVING = {"normal/moving_mean", "normal/moving_variance"}
ALL = HEAD | MOVING | {"hidden/kernel", "hidden/bias", "normal/gamma", "normal/beta"}


def test_the_head_is_trained_alone_and_then_all_of_it() -> None:
    model = network()
    freezing = Freezing(model, frozen_epochs=2)
    assert freezing.begin(1)
    assert train(model) == HEAD
    assert not freezing.begin(2)
    assert train(model) == HEAD
    assert freezing.begin(3)
    assert ALL - {"hidden/bias"} <= train(model) <= ALL  # whose gradient batch normalisation takes away
    assert not freezing.begin(4)


@pytest.mark.parametrize(("frozen_epochs", "last"), [(4, HEAD), (3, ALL)])
def test_a_frozen_network_is_left_so_that_all_of_it_can_be_trained(frozen_epochs: int, last: set[str]) -> None:
    model = network()
    variables = [variable.path for variable in model.variables]
    freezing = Freezing(model, frozen_epochs)
    freezing.begin(4)
    assert train(model) >= last - {"hidden/bias"}
    assert (train(model) == HEAD) is (frozen_epochs == 4)
    freezing.end()
    assert [variable.path for variable in model.variables] == variables  # a checkpoint has them in one order
    assert train(model) >= ALL - {"hidden/bias"}
    assert not model.layers[0].get_layer("fixed").trainable


def test_nothing_is_frozen_unless_it_is_asked_for() -> None:
    model = network()
    freezing = Freezing(model, 0)
    assert not freezing.begin(1)
    assert train(model) >= ALL - {"hidden/bias"}

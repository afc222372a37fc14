"""Compiled models that are saved as .keras, loaded, and trained on: nothing may be lost on the way."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.optimizers.schedules import LearningRateSchedule

from models.lenet import build_lenet
from models.losses import LOSSES, make_loss
from models.optimizers import OPTIMIZERS, hyperparameters, make_optimizer
from models.schedules import SCHEDULES, make_schedule
from tests.support.unusual_hyperparameters import unusual

random = np.random.default_rng(7)
INPUTS = random.normal(size=(24, 4)).astype("float32")
LABELS = random.integers(0, 3, 24)

OF_LOSS = {"softmax_cross_entropy": {"label_smoothing": 0.2}, "smooth_l1": {"smooth_l1_beta": 0.4}}


def compiled(optimizer: keras.optimizers.Optimizer, loss: keras.losses.Loss) -> keras.Model:
    dense = keras.layers.Dense(3, kernel_initializer=keras.initializers.GlorotUniform(1), bias_initializer="ones")
    model = keras.Sequential([keras.Input((4,)), dense])
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"], run_eagerly=True)  # no graph for a dozen steps
    return model


def saved_and_loaded(model: keras.Model, directory: Path) -> keras.Model:
    model.save(directory / "model.keras")
    return keras.models.load_model(directory / "model.keras")


def fit(model: keras.Model, epochs: int) -> list[float]:
    return model.fit(INPUTS, LABELS, batch_size=8, shuffle=False, epochs=epochs, verbose=0).history["loss"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_after_loading_as_without_it(name: str, tmp_path: Path) -> None:
    rate = make_schedule("cosine", learning_rate=0.05, steps_per_epoch=3, epochs=4, warmup_epochs=1)
    optimizer = make_optimizer(name, learning_rate=rate, weight_decay=0.1, **unusual(name))
    model = compiled(optimizer, make_loss("softmax_cross_entropy", label_smoothing=0.1))
    fit(model, epochs=2)
    loaded = saved_and_loaded(model, tmp_path)

    assert type(loaded.optimizer) is type(model.optimizer)
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    assert len(loaded.optimizer.variables) == len(model.optimizer.variables)
    for ours, theirs in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert float(loaded.optimizer.learning_rate) == float(model.optimizer.learning_rate)

    np.testing.assert_allclose(fit(loaded, epochs=2), fit(model, epochs=2), rtol=1e-6)
    for ours, theirs in zip(model.variables, loaded.variables, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    assert int(loaded.optimizer.iterations) == 12


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_biases_do_not_decay_after_loading_either(name: str, tmp_path: Path) -> None:
    model = compiled(make_optimizer(name, learning_rate=0.1, weight_decay=0.5), make_loss("mse"))
    model.optimizer.build(model.trainable_variables)  # or Keras warns of missing variables when it loads
    loaded = saved_and_loaded(model, tmp_path)
    kernel, bias = loaded.trainable_variables
    before = kernel.numpy()
    loaded.optimizer.apply([keras.ops.zeros_like(kernel), keras.ops.zeros_like(bias)])
    np.testing.assert_allclose(kernel, before * (1 - 0.5 * 0.1), rtol=1e-6)
    np.testing.assert_array_equal(bias, np.ones(3))


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_computes_the_same_after_loading(name: str, tmp_path: Path) -> None:
    model = compiled(make_optimizer("sgd", learning_rate=0.1), make_loss(name, **OF_LOSS.get(name, {})))
    loaded = saved_and_loaded(model, tmp_path)
    assert type(loaded.loss) is type(model.loss)
    assert loaded.loss.get_config() == model.loss.get_config()
    assert loaded.evaluate(INPUTS, LABELS, verbose=0) == model.evaluate(INPUTS, LABELS, verbose=0)
    with pytest.raises(ValueError, match="received labels of shape"):
        loaded.evaluate(INPUTS, LABELS[:, None], verbose=0)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_goes_on_after_loading(name: str, tmp_path: Path) -> None:
    rate = make_schedule(name, learning_rate=0.3, steps_per_epoch=3, epochs=4, warmup_epochs=0.5)
    model = compiled(make_optimizer("sgd", learning_rate=rate), make_loss("mse"))
    fit(model, epochs=1)
    loaded = saved_and_loaded(model, tmp_path)
    assert isinstance(rate, LearningRateSchedule)
    assert float(loaded.optimizer.learning_rate) == float(rate(3))


def test_hyperparameters_used_here_are_not_the_defaults() -> None:
    for name in OPTIMIZERS:
        assert all(unusual(name)[key] != value for key, value in hyperparameters(name).items())


def test_lenet_is_served_without_any_of_our_code(tmp_path: Path) -> None:
    model = build_lenet((16, 16, 2), 3, pixel_mean=[90.0, 5.0], pixel_deviation=[40.0, 0.0], seed=4)
    images = random.integers(0, 256, (2, 16, 16, 2)).astype("uint8")
    loaded = saved_and_loaded(model, tmp_path)
    np.testing.assert_array_equal(loaded(images), model(images))

    config = zipfile.ZipFile(tmp_path / "model.keras").read("config.json").decode()
    parts = re.findall(r'"module": "([^"]*)"', config)
    assert len(parts) > len(model.layers)
    assert all(part.split(".")[0] == "keras" for part in parts)
    assert "lenet_pipeline" not in config


@pytest.mark.parametrize(
    ("loss", "optimizer", "rate"),
    [
        ("l1", "adam", 0.005),
        ("mse", "momentum", 0.05),
        ("smooth_l1", "nadam", 0.005),
        ("softmax_cross_entropy", "momentum", 0.05),
    ],
)
def test_lenet_learns_a_few_images_by_heart(loss: str, optimizer: str, rate: float) -> None:
    images, labels = random.integers(0, 256, (8, 16, 16, 1)).astype("uint8"), np.arange(8) % 4
    model = build_lenet((16, 16, 1), 4, pixel_mean=[127.5], pixel_deviation=[73.9], seed=2)
    model.compile(optimizer=make_optimizer(optimizer, learning_rate=rate), loss=make_loss(loss), metrics=["accuracy"])
    before = model.evaluate(images, labels, verbose=0)[0]
    model.fit(np.tile(images, (80, 1, 1, 1)), np.tile(labels, 80), batch_size=8, shuffle=False, verbose=0)
    after, accuracy = model.evaluate(images, labels, verbose=0)
    assert after < before / 4
    assert accuracy == 1

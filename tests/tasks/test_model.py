"""Building and compiling: the files load as what was asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.losses import SmoothL1, SoftmaxCrossEntropy
from models.optimizers import OPTIMIZERS, hyperparameters
from models.schedules import SCHEDULES
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError
from tasks.model import build_model
from tests.support.log import own_messages

MakeCompiled = Callable[..., Path]


def build(prepared: PreparedDataset, directory: Path, seed: int = 1) -> list[np.ndarray]:
    path = build_model.fn("lenet", prepared, directory, seed=seed, device="cpu")
    return keras.models.load_model(path).get_weights()


def test_the_built_model_fits_the_dataset(prepared: PreparedDataset, tmp_path: Path) -> None:
    path = build_model.fn("lenet", prepared, tmp_path, seed=1, device="cpu")
    assert path.parent == tmp_path
    model = keras.models.load_model(path)
    assert model.input_shape == (None, *prepared.image_shape)
    assert model.output_shape == (None, len(prepared.classes))


def test_the_built_model_normalises_with_the_statistics_of_the_training_split(
    prepared: PreparedDataset, tmp_path: Path
) -> None:
    model = keras.models.load_model(build_model.fn("lenet", prepared, tmp_path, seed=1, device="cpu"))
    images = np.load(prepared.directory / "images.npy")[np.load(prepared.directory / "train.npy")]
    normal = np.asarray(model.get_layer("normalization")(images.astype(np.float32)))
    assert normal.mean() == pytest.approx(0, abs=1e-4)
    assert normal.std() == pytest.approx(1, abs=1e-4)


def test_weights_are_a_function_of_the_seed(prepared: PreparedDataset, tmp_path: Path) -> None:
    first, again, other = build(prepared, tmp_path), build(prepared, tmp_path), build(prepared, tmp_path, seed=2)
    for mine, its in zip(first, again, strict=True):
        np.testing.assert_array_equal(mine, its)
    assert any(not np.array_equal(mine, its) for mine, its in zip(first, other, strict=True))


def test_an_unknown_model_is_told_with_the_choices(prepared: PreparedDataset, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown model 'lennet'; choose one of: lenet"):
        build_model.fn("lennet", prepared, tmp_path, seed=1, device="cpu")


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_every_optimizer_is_saved_and_loaded(make_compiled: MakeCompiled, optimizer: str) -> None:
    path = make_compiled(optimizer=optimizer, hyperparameters=hyperparameters(optimizer), weight_decay=0.01)
    loaded = keras.models.load_model(path).optimizer
    assert type(loaded) is OPTIMIZERS[optimizer].kind
    assert float(loaded.learning_rate) == pytest.approx(0.01)
    assert loaded.weight_decay == pytest.approx(0.01)
    config: dict[str, Any] = loaded.get_config()
    assert {name: config[name] for name in hyperparameters(optimizer)} == hyperparameters(optimizer)


def test_hyperparameters_arrive(make_compiled: MakeCompiled) -> None:
    path = make_compiled(hyperparameters={"momentum": 0.5, "nesterov": True}, learning_rate=0.03, label_smoothing=0.1)
    model = keras.models.load_model(path)
    assert model.optimizer.momentum == 0.5
    assert model.optimizer.nesterov is True
    assert float(model.optimizer.learning_rate) == pytest.approx(0.03)
    assert isinstance(model.loss, SoftmaxCrossEntropy)
    assert model.loss.label_smoothing == 0.1


def test_the_beta_of_smooth_l1_arrives(make_compiled: MakeCompiled) -> None:
    loss = keras.models.load_model(make_compiled(loss="smooth_l1", smooth_l1_beta=0.25)).loss
    assert isinstance(loss, SmoothL1)
    assert loss.smooth_l1_beta == 0.25


@pytest.mark.parametrize("warmup_epochs", [0.0, 1.0])
@pytest.mark.parametrize("schedule", sorted(SCHEDULES))
def test_schedules_run_over_all_steps_of_all_epochs(
    make_compiled: MakeCompiled, schedule: str, warmup_epochs: float
) -> None:
    path = make_compiled(schedule=schedule, warmup_epochs=warmup_epochs, epochs=4, steps_per_epoch=10)
    optimizer = keras.models.load_model(path).optimizer

    def rate(step: int) -> float:
        optimizer.iterations.assign(step)
        return float(optimizer.learning_rate)

    assert rate(0) == pytest.approx(0.001 if warmup_epochs else 0.01)
    assert rate(9 if warmup_epochs else 0) == pytest.approx(0.01)
    assert rate(40) == pytest.approx({"constant": 0.01, "cosine": 0, "exponential": 1e-4, "step": 1e-4}[schedule])


def test_compiling_changes_no_weight_and_leaves_the_initial_model(make_compiled: MakeCompiled, tmp_path: Path) -> None:
    compiled = make_compiled()
    digest = hashlib.sha256((tmp_path / "initial.keras").read_bytes()).hexdigest()
    initial = keras.models.load_model(tmp_path / "initial.keras")
    for mine, its in zip(keras.models.load_model(compiled).get_weights(), initial.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)
    assert hashlib.sha256((tmp_path / "initial.keras").read_bytes()).hexdigest() == digest


def test_more_batches_for_an_update_than_there_are_is_refused_and_what_is_left_over_is_told(
    make_compiled: Callable[..., Path], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(InputError, match="accumulate: received 13, but the whole training has 12 batches"):
        make_compiled(updates={"accumulate": 13})
    assert own_messages(caplog) == []
    make_compiled(updates={"accumulate": 5})
    assert "The last 2 of 12 batches make no update, for 5 make one (accumulate)." in caplog.text
    caplog.clear()
    model = keras.models.load_model(make_compiled(updates={"accumulate": 4, "clip_norm": 0.5}))
    assert caplog.text == ""
    assert (model.optimizer.gradient_accumulation_steps, model.optimizer.global_clipnorm) == (4, 0.5)


def test_an_average_of_an_average_is_refused(
    make_compiled: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras.optimizers.SGD, "weights_to_evaluate", lambda *_: [], raising=False)
    with pytest.raises(InputError, match="average: received ema, but optimizer 'momentum' is evaluated at an average"):
        make_compiled(updates={"average": "ema", "ema_momentum": 0.5})

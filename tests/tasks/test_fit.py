"""Fitting: what it returns, what it leaves in the store, what it says, and that it is the same every time."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import mlflow
import numpy as np
import pytest
import tensorflow as tf
from mlflow.entities import Run

from tasks import fit as fit_module
from tasks import prepared as prepared_module
from tasks import tracking
from tasks.evaluate import evaluate_model
from tasks.fit import EpochRow, FitResult, fit_model
from tasks.prepared import PreparedDataset

Fit = Callable[..., "Fitted"]
PER_EPOCH = {
    "train/loss",
    "train/accuracy",
    "validation/loss",
    "validation/accuracy",
    "learning_rate",
    "step_milliseconds",
    "epoch_seconds",
}
BEST = {"best/validation_accuracy", "best/epoch"}


class Fitted(NamedTuple):
    result: FitResult
    run_id: str

    @property
    def run(self) -> Run:
        return store().get_run(self.run_id)

    def history(self, metric: str) -> list[tuple[int, float]]:
        return [(point.step, point.value) for point in store().get_metric_history(self.run_id, metric)]

    def weights(self) -> list[np.ndarray]:
        return keras.models.load_model(self.result.model).get_weights()


def store() -> mlflow.MlflowClient:
    return mlflow.MlflowClient(tracking.tracking_uri())


@pytest.fixture
def fit(workplace: Path, prepared: PreparedDataset, make_compiled: Callable[..., Path]) -> Fit:
    """Build, compile and fit, in a run of its own; ``recipe`` goes to compile_model, the rest to fit_model."""
    experiment_id = tracking.open_store("tests")

    def run(*, recipe: dict[str, Any] | None = None, data: PreparedDataset = prepared, **changes: Any) -> Fitted:
        compiled = make_compiled(**recipe or {})
        run_id = store().create_run(experiment_id).info.run_id
        directory = workplace / run_id
        directory.mkdir()
        settings = {
            "epochs": 2,
            "batch_size": 32,
            "shuffle": True,
            "repeat": 1,
            "seed": 7,
            "print_every": None,
            "device": "cpu",
        }
        return Fitted(fit_model.fn(compiled, data, run_id, directory, **settings | changes), run_id)

    return run


def test_a_fit_learns_and_is_recorded_epoch_by_epoch(fit: Fit, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fitted = fit(recipe={"learning_rate": 0.05}, epochs=3, print_every=4)
    result, rows = fitted.result, fitted.result.epochs
    assert result.outcome == "completed"
    assert result.reason == ""
    assert [row.epoch for row in rows] == [1, 2, 3]
    assert rows[-1].train_loss < 0.9 * rows[0].train_loss
    assert rows[-1].train_accuracy > rows[0].train_accuracy
    assert result.best == max(rows, key=lambda row: (row.validation_accuracy, -row.epoch))
    assert [row.learning_rate for row in rows] == [0.05] * 3

    # The store holds the rows, each value once, at step = epoch from 1.
    assert set(fitted.run.data.metrics) == PER_EPOCH | BEST
    for name in PER_EPOCH:
        assert fitted.history(name) == [(row.epoch, row.metrics()[name]) for row in rows]
    assert fitted.history("best/epoch") == [(0, result.best.epoch)]
    assert fitted.history("best/validation_accuracy") == [(0, result.best.validation_accuracy)]
    assert fitted.run.data.tags["outcome"] == "completed"
    assert {file.path for file in store().list_artifacts(fitted.run_id)} >= {"training_curves.png"}

    # 190 examples are 6 steps: a line at step 4 and one at the end of each epoch.
    assert len(caplog.messages) == 6
    for epoch, (step_line, epoch_line) in enumerate(zip(caplog.messages[::2], caplog.messages[1::2], strict=True)):
        assert re.fullmatch(
            rf"Epoch:\[  {epoch}/  3\], step:\[    4/    6\], loss:\[\d\.\d{{3}}/\d\.\d{{3}}\], "
            r"time:\d+\.\d{3} ms, lr:0\.05000",
            step_line,
        )
        assert epoch_line.endswith(f"avg loss: {rows[epoch].train_loss:.3f}")


def test_the_same_fit_twice_is_the_same_bit_for_bit(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fit()
    monkeypatch.setattr(prepared_module, "BLOCK_STEPS", 2)  # nor does the reading in blocks change a bit
    second = fit()
    timed = {"step_milliseconds", "epoch_seconds"}
    assert [row.model_dump(exclude=timed) for row in first.result.epochs] == [
        row.model_dump(exclude=timed) for row in second.result.epochs
    ]
    for mine, its in zip(first.weights(), second.weights(), strict=True):
        np.testing.assert_array_equal(mine, its)


def test_another_seed_takes_the_data_in_another_order(fit: Fit) -> None:
    first, other = fit(epochs=1), fit(epochs=1, seed=8)
    assert first.result.epochs[0].train_loss != other.result.epochs[0].train_loss
    unshuffled = [fit(epochs=1, seed=seed, shuffle=False).result.epochs[0].train_loss for seed in (7, 8)]
    assert unshuffled[0] == unshuffled[1]


def test_repeat_makes_more_steps_of_an_epoch(fit: Fit, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fit(epochs=1, repeat=2)
    assert "step:[   12/   12]" in caplog.messages[0]


def test_no_lines_are_logged_when_none_are_wanted(fit: Fit, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fit(epochs=1, print_every=0)
    assert caplog.messages == []


def test_validation_is_that_of_the_saved_model(fit: Fit, prepared: PreparedDataset) -> None:
    fitted = fit(epochs=1)
    row = fitted.result.epochs[0]
    loss, accuracy = loss_and_accuracy(fitted.result.model, prepared, "validation")
    assert row.validation_loss == pytest.approx(loss, rel=1e-4)
    assert row.validation_accuracy == pytest.approx(accuracy)


def test_without_a_validation_split_there_is_no_best_epoch(fit: Fit, prepared: PreparedDataset, tmp_path: Path) -> None:
    bare = prepared.model_copy(update={"examples": {**prepared.examples, "validation": 0}})
    fitted = fit(data=bare, epochs=1)
    assert fitted.result.epochs[0].validation_loss is None
    assert fitted.result.best is None
    assert set(fitted.run.data.metrics) == {name for name in PER_EPOCH if not name.startswith("validation")}
    assert (tmp_path / fitted.run_id / "fitted.keras").is_file()


def test_divergence_is_an_outcome_without_a_score(fit: Fit, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fitted = fit(recipe={"loss": "mse", "learning_rate": 1e6}, print_every=1)
    assert fitted.result.outcome == "diverged"
    match = re.fullmatch(r"the loss is (?:nan|inf) at step (\d) of epoch 1", fitted.result.reason)
    assert match
    assert fitted.result.epochs == ()
    assert fitted.result.best is None
    assert fitted.run.data.tags["outcome"] == "diverged"
    assert fitted.run.data.tags["reason"] == fitted.result.reason
    assert fitted.run.data.metrics == {}
    assert fitted.run.outputs.model_outputs == []
    # Each finite step has its line; the first that is not ends the fit with a warning.
    assert len(caplog.messages) == int(match[1])
    assert fitted.result.reason in caplog.messages[-1]


def test_epochs_before_the_divergence_are_kept(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = fit_module.make_train_steps, []

    def not_a_number_in_the_second_epoch(*arguments: Any) -> Callable[..., Any]:
        train_steps = original(*arguments)

        def wrapped(images: Any, labels: Any) -> Any:
            trained = train_steps(images, labels)
            calls.append(trained)
            nan_from_step_4 = tf.constant([0.0] * 3 + [math.nan] * 3)
            return trained if len(calls) == 1 else trained._replace(losses=trained.losses + nan_from_step_4)

        return wrapped

    monkeypatch.setattr(fit_module, "make_train_steps", not_a_number_in_the_second_epoch)
    fitted = fit(epochs=3)
    assert fitted.result.outcome == "diverged"
    assert fitted.result.reason == "the loss is nan at step 4 of epoch 2"
    assert [row.epoch for row in fitted.result.epochs] == [1]
    assert set(fitted.run.data.metrics) == PER_EPOCH
    assert fitted.history("train/loss") == [(1, fitted.result.epochs[0].train_loss)]


def test_a_fit_survives_json(fit: Fit) -> None:
    result = fit(epochs=1).result
    assert FitResult.model_validate_json(result.model_dump_json()) == result


@pytest.mark.parametrize("accuracies", [[0.5, 0.9, 0.9], [0.9, 0.5, 0.7]])
def test_the_best_epoch_is_the_first_of_the_highest_validation_accuracy(accuracies: list[float]) -> None:
    values = dict.fromkeys(EpochRow.model_fields, 1.0)
    rows = tuple(
        EpochRow(**values | {"epoch": epoch, "validation_accuracy": accuracy})
        for epoch, accuracy in enumerate(accuracies, start=1)
    )
    fitted = FitResult(model=Path("m.keras"), outcome="completed", reason="", epochs=rows, seconds=1.0)
    assert fitted.best == rows[accuracies.index(0.9)]
    assert fitted.model_copy(update={"outcome": "diverged"}).best is None


def loss_and_accuracy(path: Path, prepared: PreparedDataset, split: str) -> tuple[float, float]:
    """Softmax cross entropy and accuracy in NumPy, from what the model predicts."""
    images, labels, indices = (np.load(prepared.directory / f"{name}.npy") for name in ("images", "labels", split))
    labels = labels[indices]
    logits = keras.models.load_model(path, compile=False).predict(images[indices], verbose=0).astype(np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log_softmax[np.arange(len(labels)), labels].mean()), float(np.mean(logits.argmax(axis=1) == labels))


def test_evaluation_is_that_of_numpy_and_recorded_once(fit: Fit, prepared: PreparedDataset) -> None:
    fitted = fit(epochs=2)
    metrics = evaluate_model.fn(fitted.result.model, prepared, fitted.run_id, device="cpu")
    loss, accuracy = loss_and_accuracy(fitted.result.model, prepared, "test")
    assert metrics == {"test/loss": pytest.approx(loss, rel=1e-4), "test/accuracy": pytest.approx(accuracy)}
    for name, value in metrics.items():
        assert fitted.history(name) == [(0, value)]
    assert "confusion_matrix.png" in {file.path for file in store().list_artifacts(fitted.run_id)}

"""Fit a compiled model: the loop over the epochs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from prefect import task
from pydantic import BaseModel, ConfigDict

from models.monitor import LossMonitor
from models.steps import Score, TrainedSteps, make_evaluate_step, make_train_steps, score
from tasks import tracking
from tasks.figures import training_curves
from tasks.log import task_log
from tasks.prepared import Block, PreparedDataset, open_split, open_training_epoch
from tasks.progress import epoch_progress


class EpochRow(BaseModel):
    """What one epoch came to. The validation values are none where nothing is held back for validation."""

    model_config = ConfigDict(frozen=True)

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    step_milliseconds: float
    epoch_seconds: float

    def metrics(self) -> dict[str, float]:
        """Return the values that there are, by their names in the tracker."""
        named = {
            "train/loss": self.train_loss,
            "train/accuracy": self.train_accuracy,
            "validation/loss": self.validation_loss,
            "validation/accuracy": self.validation_accuracy,
            "learning_rate": self.learning_rate,
            "step_milliseconds": self.step_milliseconds,
            "epoch_seconds": self.epoch_seconds,
        }
        return {name: value for name, value in named.items() if value is not None}


class FitResult(BaseModel):
    """A fit that ended.

    Attributes:
        model: The trained model, a compiled .keras file.
        outcome: ``diverged`` if the loss turned NaN or infinite: then there is no model worth testing.
        reason: What diverged where; empty for a completed fit.
        epochs: A row for each finished epoch.
        seconds: From loading the model to saving it.
    """

    model_config = ConfigDict(frozen=True)

    model: Path
    outcome: Literal["completed", "diverged"]
    reason: str
    epochs: tuple[EpochRow, ...]
    seconds: float

    @property
    def best(self) -> EpochRow | None:
        """The epoch of the highest validation accuracy, the first of them; none without a score."""
        if self.outcome == "diverged":
            return None
        validated = [row for row in self.epochs if row.validation_accuracy is not None]
        return max(validated, key=lambda row: row.validation_accuracy or 0.0, default=None)


class DivergenceError(ArithmeticError):
    """The loss of a step is NaN or infinite."""


class TrainedEpoch(NamedTuple):
    """Mean loss and accuracy over the examples of an epoch, its last learning rate, and its seconds."""

    loss: float
    accuracy: float
    learning_rate: float
    seconds: float


@task
def fit_model(
    compiled: Path,
    prepared: PreparedDataset,
    run_id: str,
    directory: Path,
    *,
    epochs: int,
    batch_size: int,
    shuffle: bool,
    repeat: int,
    seed: int,
    print_every: int | None,
    device: str,
) -> FitResult:
    """Train for ``epochs``, and record each of them in the MLflow run ``run_id`` as it ends.

    A loss that is no longer finite ends the fit within its epoch: an outcome of the experiment, not a fault.
    """
    log = task_log()
    started = time.perf_counter()
    steps = prepared.steps_per_epoch(batch_size, repeat)
    monitor = LossMonitor(log.info, epochs=epochs, steps_per_epoch=steps, print_every=print_every)
    rows: list[EpochRow] = []
    reason = ""
    with tf.device(f"{device}:0"), epoch_progress(epochs, steps) as progress:
        model = keras.models.load_model(compiled)
        train_steps, evaluate_step = make_train_steps(model, batch_size), make_evaluate_step(model)
        for epoch in range(1, epochs + 1):
            epoch_started = time.perf_counter()
            blocks = open_training_epoch(
                prepared, batch_size=batch_size, seed=seed, epoch=epoch, shuffle=shuffle, repeat=repeat
            )
            try:
                trained = _train_epoch(
                    epoch, train_steps, blocks, batch_size=batch_size, monitor=monitor, progress=progress
                )
            except DivergenceError as divergence:
                reason = str(divergence)
                log.warning("Training diverged: %s. That is the outcome of this run; it has no score.", reason)
                break
            validated = None
            if prepared.examples["validation"]:
                validated = score(evaluate_step, open_split(prepared, "validation"))
            row = _row(epoch, trained, validated, steps=steps, seconds=time.perf_counter() - epoch_started)
            tracking.log_metrics(run_id, row.metrics(), step=epoch)
            rows.append(row)
        model.save(directory / "fitted.keras")
    fitted = FitResult(
        model=directory / "fitted.keras",
        outcome="diverged" if reason else "completed",
        reason=reason,
        epochs=tuple(rows),
        seconds=time.perf_counter() - started,
    )
    _record(run_id, fitted, prepared)
    return fitted


def _train_epoch(
    epoch: int,
    train_steps: Callable[[Any, Any], TrainedSteps],
    blocks: Iterable[Block],
    *,
    batch_size: int,
    monitor: LossMonitor,
    progress: Callable[[int, int], None],
) -> TrainedEpoch:
    """Train on every block once. Raises DivergenceError at the first loss that is not finite."""
    monitor.begin_epoch(epoch)
    progress(epoch, 0)
    right, done, learning_rate = 0, 0, 0.0
    started = block_started = time.perf_counter()
    for images, labels in blocks:
        trained = TrainedSteps(*(value.numpy() for value in train_steps(images, labels)))
        now = time.perf_counter()
        steps = len(trained.losses)
        finite = np.isfinite(trained.losses)
        good = steps if finite.all() else int(np.argmin(finite))
        monitor.steps(
            trained.losses[:good].tolist(),
            [min(batch_size, len(labels) - step * batch_size) for step in range(good)],
            trained.learning_rates[:good].tolist(),
            step_milliseconds=(now - block_started) / steps * 1000,
        )
        if good < steps:
            raise DivergenceError(f"the loss is {trained.losses[good]} at step {done + good + 1} of epoch {epoch}")
        right, done, block_started = right + int(trained.right), done + good, now
        learning_rate = float(str(trained.learning_rates[-1]))  # as typed: 0.01, not 0.009999999776482582
        progress(epoch, done)
    seconds = time.perf_counter() - started
    monitor.end_epoch(seconds * 1000)
    return TrainedEpoch(monitor.average_loss, right / monitor.examples, learning_rate, seconds)


def _row(epoch: int, trained: TrainedEpoch, validated: Score | None, *, steps: int, seconds: float) -> EpochRow:
    return EpochRow(
        epoch=epoch,
        train_loss=trained.loss,
        train_accuracy=trained.accuracy,
        validation_loss=validated.loss if validated else None,
        validation_accuracy=validated.accuracy if validated else None,
        learning_rate=trained.learning_rate,
        step_milliseconds=trained.seconds / steps * 1000,
        epoch_seconds=seconds,
    )


def _record(run_id: str, fitted: FitResult, prepared: PreparedDataset) -> None:
    """Record what is known at the end only: the outcome, the best epoch, the curves, the model."""
    tracking.set_tags(run_id, {"outcome": fitted.outcome, **({"reason": fitted.reason} if fitted.reason else {})})
    if fitted.epochs:
        tracking.log_figure(run_id, _curves(fitted.epochs), "training_curves.png")
    if fitted.best:
        best = {
            "best/validation_accuracy": fitted.best.validation_accuracy or 0.0,
            "best/epoch": fitted.best.epoch,
        }
        tracking.log_metrics(run_id, best)
    if fitted.outcome == "completed":
        tracking.log_model(run_id, fitted.model, prepared.image_shape, len(prepared.classes))


def _curves(rows: Sequence[EpochRow]) -> Figure:
    return training_curves(
        [row.epoch for row in rows],
        {
            "train": ([row.train_loss for row in rows], [row.train_accuracy for row in rows]),
            "validation": ([row.validation_loss for row in rows], [row.validation_accuracy for row in rows]),
        },
    )

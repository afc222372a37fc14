"""Fit a compiled model: the loop over the epochs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from prefect import task

from models.monitor import LossMonitor
from models.steps import TrainedSteps, make_evaluate_step, make_train_steps, score
from tasks.data.prepared import Block, PreparedDataset, open_split, open_training_epoch
from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import storing
from tasks.foundation.log import task_log
from tasks.report.run_figures import training_curves
from tasks.terminal.progress import epoch_progress
from tasks.tracking import record
from tasks.training.checkpoint import Checkpoints
from tasks.training.fit_state import EpochRow, EpochSoFar, FitResult, FitState
from tasks.training.interruption import finish_the_step


class DivergenceError(ArithmeticError):
    """The loss of a step is NaN or infinite."""


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

    A loss that is no longer finite ends the fit within its epoch: an outcome of the experiment, not a fault. A fit
    that was interrupted or killed goes on from its last checkpoint below ``directory``.
    """
    log = task_log()
    steps = prepared.steps_per_epoch(batch_size, repeat)
    monitor = LossMonitor(log.info, epochs=epochs, steps_per_epoch=steps, print_every=print_every)
    checkpoints = Checkpoints(directory / "checkpoints", run_id, prepared.digest)
    open_epoch = partial(open_training_epoch, prepared, seed, batch_size=batch_size, shuffle=shuffle, repeat=repeat)

    def train(stopping: Callable[[], bool]) -> tuple[keras.Model, FitState, str]:
        with tf.device(f"{device}:0"), epoch_progress(epochs, steps) as progress:
            model = keras.models.load_model(compiled)
            train_steps, evaluate_step = make_train_steps(model, batch_size), make_evaluate_step(model)
            state = checkpoints.restore(model)
            for row in state.rows:  # of which a process that was killed may not have recorded the last
                record.log_metrics(run_id, row.metrics(), step=row.epoch)
            while len(state.rows) < epochs and not stopping():
                epoch = len(state.rows) + 1
                started = time.perf_counter() - state.epoch.seconds
                blocks = open_epoch(epoch, steps_done=state.epoch.steps)
                try:
                    so_far = _train_epoch(
                        *(epoch, state.epoch, train_steps, blocks),
                        batch_size=batch_size,
                        monitor=monitor,
                        progress=progress,
                        stopping=stopping,
                    )
                except DivergenceError as divergence:
                    log.warning("Training diverged: %s. That is the outcome of this run; it has no score.", divergence)
                    return model, state, str(divergence)
                crash_point("epoch_trained")
                if so_far.steps == steps:
                    row = _finish_epoch(epoch, so_far, evaluate_step, prepared, started)
                    state = FitState(rows=(*state.rows, row))
                else:
                    state = FitState(rows=state.rows, epoch=so_far)
                checkpoints.save(model, state)
                for row in state.rows[epoch - 1 :]:
                    record.log_metrics(run_id, row.metrics(), step=epoch)
        return model, state, ""

    model, state, reason = finish_the_step(train)
    with storing(directory / "fitted.keras"):
        model.save(directory / "fitted.keras")
    crash_point("fitted")
    fitted = FitResult(
        model=directory / "fitted.keras",
        outcome="diverged" if reason else "completed",
        reason=reason,
        epochs=state.rows,
        seconds=sum(row.epoch_seconds for row in state.rows),
    )
    _record(run_id, fitted, prepared)
    return fitted


def _train_epoch(
    epoch: int,
    so_far: EpochSoFar,
    train_steps: Callable[[Any, Any], TrainedSteps],
    blocks: Iterable[Block],
    *,
    batch_size: int,
    monitor: LossMonitor,
    progress: Callable[[int, int], None],
    stopping: Callable[[], bool],
) -> EpochSoFar:
    """Train on every block, unless it is to stop; return how far it came.

    Raises:
        DivergenceError: the loss of a step is not finite.
    """
    monitor.begin_epoch(epoch, step=so_far.steps, examples=so_far.examples, loss_sum=so_far.loss_sum)
    progress(epoch, so_far.steps)
    right, learning_rate = so_far.right, so_far.learning_rate
    block_started = time.perf_counter()
    started = block_started - so_far.seconds
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
            raise DivergenceError(f"the loss is {trained.losses[good]} at step {monitor.step + 1} of epoch {epoch}")
        right, block_started = right + int(trained.right), now
        learning_rate = float(str(trained.learning_rates[-1]))  # as typed: 0.01, not 0.009999999776482582
        progress(epoch, monitor.step)
        crash_point("block_trained")
        if stopping():
            break
    else:
        monitor.end_epoch((time.perf_counter() - started) * 1000)
    return EpochSoFar(
        steps=monitor.step,
        examples=monitor.examples,
        loss_sum=monitor.loss_sum,
        right=right,
        learning_rate=learning_rate,
        seconds=time.perf_counter() - started,
    )


def _finish_epoch(
    epoch: int,
    trained: EpochSoFar,
    evaluate_step: Callable[[Any, Any], tuple[Any, Any]],
    prepared: PreparedDataset,
    started: float,
) -> EpochRow:
    """Validate, where something is held back for it, and return what the epoch came to."""
    validated = None
    if prepared.examples["validation"]:
        validated = score(evaluate_step, open_split(prepared, "validation"))
    return EpochRow(
        epoch=epoch,
        train_loss=trained.loss_sum / trained.examples,
        train_accuracy=trained.right / trained.examples,
        validation_loss=validated.loss if validated else None,
        validation_accuracy=validated.accuracy if validated else None,
        learning_rate=trained.learning_rate,
        step_milliseconds=trained.seconds / trained.steps * 1000,
        epoch_seconds=time.perf_counter() - started,
    )


def _record(run_id: str, fitted: FitResult, prepared: PreparedDataset) -> None:
    """Record what is known at the end only: the outcome, the best epoch, the curves, the model."""
    record.set_tags(run_id, {"outcome": fitted.outcome, **({"reason": fitted.reason} if fitted.reason else {})})
    if fitted.epochs:
        record.log_figure(run_id, _curves(fitted.epochs), "training_curves.png")
    if fitted.best:
        best = {
            "best/validation_accuracy": fitted.best.validation_accuracy or 0.0,
            "best/epoch": fitted.best.epoch,
        }
        record.log_metrics(run_id, best)
    if fitted.outcome == "completed":
        record.log_model(run_id, fitted.model, prepared.image_shape, len(prepared.classes))


def _curves(rows: Sequence[EpochRow]) -> Figure:
    return training_curves(
        [row.epoch for row in rows],
        {
            "train": ([row.train_loss for row in rows], [row.train_accuracy for row in rows]),
            "validation": ([row.validation_loss for row in rows], [row.validation_accuracy for row in rows]),
        },
    )

"""Fit a compiled model, and record what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
from prefect import task

from models.class_weights import ClassWeight
from models.evaluation_weights import moving
from models.optimizers import share_moved
from served_model.description import ModelDescription
from study.metric import NAMES, Keep, Metric
from tasks.building.own_objects import own_objects
from tasks.data.prepared import PreparedDataset
from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import storing
from tasks.report.augmentation_sheet import augmentation_file
from tasks.report.drawing import png
from tasks.report.run_figures import training_curves
from tasks.tracking import record
from tasks.tracking.kept_predictions import estimates_of
from tasks.training.checkpoint import Checkpoints
from tasks.training.ending import ended_early
from tasks.training.epoch_loop import EpochLoop
from tasks.training.fit_state import EpochRow, FitResult, FitState
from tasks.training.interruption import finish_the_step

WEIGHTS_FILE = "weights_by_epoch.json"  # SHA-256 of the weights after each epoch


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
    augment: Sequence[str] | None = None,
    class_weight: ClassWeight = "none",
    metric: Metric = "accuracy",
    frozen_epochs: int = 0,
    keep: Keep = "last",
    patience: int | None = None,
    described: Mapping[str, Any] | None = None,
) -> FitResult:
    """Train for ``epochs``, and record each of them in the MLflow run ``run_id`` as it ends; the best is by ``metric``.

    The model has the weights of the epoch to ``keep``. A loss or a weight that is no longer finite ends the fit in its
    epoch: an outcome of the experiment, not a fault. A fit that was interrupted or killed goes on from its last
    checkpoint below ``directory``. The stored model is told what is ``described`` beside the data: fit and threads.
    """
    checkpoints = Checkpoints(directory / "checkpoints", run_id, prepared.identity)
    loop = EpochLoop(
        *(prepared, run_id, checkpoints, epochs, batch_size, shuffle, repeat),
        augment=tuple(augment or ()),
        seed=seed,
        print_every=print_every,
        class_weight=class_weight,
        metric=metric,
        frozen_epochs=frozen_epochs,
        keep=keep,
        patience=patience,
    )
    return _run(loop, compiled, directory / "fitted.keras", device, described or {})


def _run(loop: EpochLoop, compiled: Path, path: Path, device: str, described: Mapping[str, Any]) -> FitResult:
    """Run the epochs, store the model under ``path``, and record what came of it."""
    model, state, diverged = finish_the_step(partial(_epochs, loop, compiled, device))
    fitted = _result(path, state, diverged, loop)
    with storing(fitted.model):
        model.save(fitted.model)
    crash_point("fitted")
    _show_augmentation(loop)
    _record(loop.run_id, fitted, _description(model, loop.prepared, described))
    if (share := share_moved(moving(model.optimizer))) < 1:  # else it would be a column of ones in every list of runs
        record.log_metrics(loop.run_id, {"share_by_named_rule": share})
    return fitted


def _epochs(loop: EpochLoop, compiled: Path, device: str, stopping: Callable[[], bool]) -> tuple[Any, FitState, str]:
    with own_objects(compiled.parent):  # in this thread, which is one of its own
        return loop.run(compiled, device, stopping)


def _result(model: Path, state: FitState, diverged: str, loop: EpochLoop) -> FitResult:
    early = ended_early(state.rows, loop.metric, loop.patience) if len(state.rows) < loop.epochs else ""
    return FitResult(
        model=model,
        outcome="diverged" if diverged else "completed",
        reason=diverged or early,
        epochs=state.rows,
        seconds=sum(row.epoch_seconds for row in state.rows),
        metric=loop.metric,
        keep=loop.keep,
    )


def _description(model: keras.Model, prepared: PreparedDataset, described: Mapping[str, Any]) -> ModelDescription:
    """Return what the stored model is to be told of itself."""
    classes, shape = prepared.classes, prepared.image_shape
    # A person's own way from outputs to probabilities is code, which the stored model does not have.
    estimates = estimates_of(model.loss, len(classes)) or "outputs"
    return ModelDescription(classes, shape, estimates=estimates, dataset_digest=prepared.digest, **described)


def _record(run_id: str, fitted: FitResult, description: ModelDescription) -> None:
    """Record what is known at the end only: the outcome, the best epoch, the weights' digests, curves, the model."""
    record.set_tags(run_id, {"outcome": fitted.outcome, **({"reason": fitted.reason} if fitted.reason else {})})
    if weights := {row.epoch: row.weights_sha256 for row in fitted.epochs if row.weights_sha256}:
        # An epoch a line, so that `diff` shows from where on two runs differ.
        record.log_text(run_id, f"{json.dumps(weights, indent=1)}\n", WEIGHTS_FILE)
    if fitted.epochs:
        record.log_pictures(run_id, partial(_curves, fitted.epochs, fitted.metric), "The training curves")
    if fitted.best:
        best = {
            f"best_validation_{fitted.metric}": fitted.best.validation(fitted.metric) or 0.0,
            "best_epoch": fitted.best.epoch,
        }
        record.log_metrics(run_id, best)
    if fitted.outcome == "completed":
        record.log_model(run_id, fitted.model, description)


def _show_augmentation(loop: EpochLoop) -> None:
    """Record a picture of what the network sees, if that is not the images as they are."""
    if loop.augment:
        how = {"seed": loop.seed, "batch_size": loop.batch_size, "repeat": loop.repeat}
        draw = partial(augmentation_file, loop.prepared, loop.augment, **how, shuffle=loop.shuffle)
        record.log_pictures(loop.run_id, draw, "The picture of augmented images")


def _curves(rows: Sequence[EpochRow], metric: Metric) -> dict[str, bytes]:
    curves: dict[str, dict[str, list[float | None]]] = {
        "loss": {
            "train": [row.train_loss for row in rows],
            "validation": [row.validation_loss for row in rows],
        },
        "accuracy": {
            "train": [row.train_accuracy for row in rows],
            "validation": [row.validation_accuracy for row in rows],
        },
    }
    if metric != "accuracy" and rows[0].validation(metric) is not None:  # in training only what is right is counted
        curves[NAMES[metric]] = {"validation": [row.validation(metric) for row in rows]}
    return {"training_curves.png": png(training_curves, [row.epoch for row in rows], curves)}

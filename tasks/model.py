"""Build a network and compile it: each step leaves a .keras file, so that a retried task starts clean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from prefect import task

from models.losses import make_loss
from models.optimizers import make_optimizer
from models.precision import Precision, computing_in, scaling_the_loss, with_float32_logits
from models.schedules import fine_tuned, make_schedule
from models.updates import settle_updates
from tasks.building.first_weights import keep_digest
from tasks.building.networks import build_network, build_with_weights
from tasks.building.own_classes import make_own_loss, make_own_optimizer
from tasks.data.prepared import PreparedDataset
from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import storing
from tasks.foundation.errors import InputError
from tasks.foundation.log import task_log
from tasks.foundation.own_source import is_own
from tasks.training.gathered_batches import require_an_update


@task
def build_model(
    model: str,
    prepared: PreparedDataset,
    directory: Path,
    *,
    seed: int,
    device: str,
    weights: str | None = None,
    download: bool = True,
    run_id: str = "",
    precision: Precision = "float32",
) -> Path:
    """Return the path of the model as it begins: from pixel values (0 to 255) to one logit for each class.

    What ``weights`` hold is recorded in the run ``run_id``, and kept below ``directory``: a run goes on with no other.

    Raises:
        InputError: there is no such network, it does not take these images, or there are no such weights for it.
        DownloadError: the weights of ImageNet cannot be downloaded.
    """
    with tf.device(f"{device}:0"), computing_in(precision):
        if weights is None:
            built = build_network(model, prepared, seed, directory=directory)
        else:
            built, digest = build_with_weights(model, prepared, seed, weights, directory, download=download)
            keep_digest(directory, run_id, weights, digest)
        built = with_float32_logits(built)
        path = directory / "initial.keras"
        with storing(path):
            built.save(path)
    return path


@task
def compile_model(
    initial: Path,
    directory: Path,
    *,
    loss: str,
    label_smoothing: float,
    smooth_l1_beta: float | None,
    optimizer: str,
    learning_rate: float,
    hyperparameters: Mapping[str, float | bool],
    weight_decay: float,
    schedule: str,
    warmup_epochs: float,
    epochs: int,
    steps_per_epoch: int,
    device: str,
    fine_tuning: tuple[int, float] | None = None,
    loss_args: Mapping[str, Any] | None = None,
    updates: Mapping[str, Any] | None = None,
    precision: Precision = "float32",
) -> Path:
    """Return the path of the compiled model; `fine_tuning`: epochs, then the rate's factor; `updates` are settled."""
    spans = {"steps_per_epoch": steps_per_epoch, "epochs": epochs, "warmup_epochs": warmup_epochs}
    rate = _schedule(schedule, fine_tuning, learning_rate=learning_rate, **spans)
    with tf.device(f"{device}:0"):
        model = keras.models.load_model(initial)
        moving = _optimizer(optimizer, directory, learning_rate=rate, weight_decay=weight_decay, **hyperparameters)
        _settle(moving, updates or {}, batches=epochs * steps_per_epoch)
        model.compile(
            scaling_the_loss(moving, precision),
            _loss(loss, directory, loss_args, label_smoothing=label_smoothing, smooth_l1_beta=smooth_l1_beta),
        )
        model.optimizer.build(model.trainable_variables)  # else Keras warns of missing variables when it loads them
        path = directory / "compiled.keras"
        with storing(path):
            model.save(path)
    crash_point("compiled")
    return path


def _optimizer(name: str, directory: Path, /, *, learning_rate: Any, weight_decay: float, **own: Any) -> Any:
    """Return a built-in optimizer, or one of a person's own, of which the run's directory has the code."""
    given: dict[str, Any] = {"learning_rate": learning_rate, "weight_decay": weight_decay}
    if is_own(name):
        return make_own_optimizer(name, directory, **given, arguments=own)
    return make_optimizer(name, **given, **own)


def _loss(name: str, directory: Path, own: Mapping[str, Any] | None, **given: float | None) -> Any:
    """Return a built-in loss, or one of a person's own class, for which the arguments ``own`` are."""
    if is_own(name):
        return make_own_loss(name, directory, arguments=own or {})
    return make_loss(name, **{each: value for each, value in given.items() if value is not None})


def _settle(optimizer: keras.optimizers.Optimizer, updates: Mapping[str, Any], *, batches: int) -> None:
    """Tell an optimizer how to make its updates, in a training of so many batches."""
    gathered = int(updates.get("accumulate", 1))
    require_an_update(gathered, batches=batches)
    if left := batches % gathered:
        task_log().warning(
            "The last %d of %d batches make no update, for %d make one (accumulate).", left, batches, gathered
        )
    try:
        settle_updates(optimizer, **updates)
    except ValueError as error:  # what only shows when the optimizer is known
        raise InputError(str(error)) from error


def _schedule(name: str, fine_tuning: tuple[int, float] | None, **how: Any) -> Any:
    """Return a learning rate or a schedule of it, for Keras."""
    try:
        rate = make_schedule(name, **how)
    except ValueError as error:  # a warm-up that leaves no step, which only shows when the steps are known
        raise InputError(str(error)) from error
    return fine_tuned(rate, how["steps_per_epoch"], fine_tuning)

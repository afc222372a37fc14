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
from models.schedules import fine_tuned, make_schedule
from tasks.building.first_weights import keep_digest
from tasks.building.networks import build_network, build_with_weights
from tasks.data.prepared import PreparedDataset
from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import storing
from tasks.foundation.errors import InputError


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
) -> Path:
    """Return the path of the model as it begins: from pixel values (0 to 255) to one logit for each class.

    What ``weights`` hold is recorded in the run ``run_id``, and kept below ``directory``: a run goes on with no other.

    Raises:
        InputError: there is no such network, it does not take these images, or there are no such weights for it.
        DownloadError: the weights of ImageNet cannot be downloaded.
    """
    with tf.device(f"{device}:0"):
        if weights is None:
            built = build_network(model, prepared, seed)
        else:
            built, digest = build_with_weights(model, prepared, seed, weights, directory, download=download)
            keep_digest(directory, run_id, weights, digest)
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
) -> Path:
    """Return the path of the model with its loss and its optimizer; `fine_tuning`: epochs, then the rate's factor."""
    rate = _schedule(
        schedule,
        learning_rate=learning_rate,
        steps_per_epoch=steps_per_epoch,
        epochs=epochs,
        warmup_epochs=warmup_epochs,
        fine_tuning=fine_tuning,
    )
    beta = {} if smooth_l1_beta is None else {"smooth_l1_beta": smooth_l1_beta}
    with tf.device(f"{device}:0"):
        model = keras.models.load_model(initial)
        model.compile(
            optimizer=make_optimizer(optimizer, learning_rate=rate, weight_decay=weight_decay, **hyperparameters),
            loss=make_loss(loss, label_smoothing=label_smoothing, **beta),
        )
        model.optimizer.build(model.trainable_variables)  # else Keras warns of missing variables when it loads them
        path = directory / "compiled.keras"
        with storing(path):
            model.save(path)
    crash_point("compiled")
    return path


def _schedule(name: str, *, steps_per_epoch: int, fine_tuning: tuple[int, float] | None, **how: Any) -> Any:
    """Return a learning rate or a schedule of it, for Keras."""
    try:
        rate = make_schedule(name, steps_per_epoch=steps_per_epoch, **how)
    except ValueError as error:  # a warm-up that leaves no step, which only shows when the steps are known
        raise InputError(str(error)) from error
    return fine_tuned(rate, steps_per_epoch, fine_tuning)

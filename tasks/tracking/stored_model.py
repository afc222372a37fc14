"""The model of a run, fetched with what is known of it; of older runs that is put together from their record."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, cast

from served_model.description import DESCRIPTION_FILE, ModelDescription, read_description
from served_model.fit import Fit
from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client, mlflow_models
from tasks.tracking.stored_run import DATASET_TAG, StoredRun

REGRESSION_LOSSES = ("l1", "mse", "smooth_l1")  # whose networks' outputs are what they estimate


class StoredModel(NamedTuple):
    """The ``.keras`` file of a model, and what is known of it."""

    keras_path: Path
    description: ModelDescription


def stored_model(run_id: str, directory: Path) -> StoredModel:
    """Return the model that a run has stored, fetched into a directory.

    Raises:
        InputError: the run has none, or it is not known what the model takes and gives.
    """
    path = mlflow_models.download_model(run_id, directory)
    described = path.parents[1] / DESCRIPTION_FILE
    if not described.exists():
        return StoredModel(path, description_of(mlflow_client.get_run(run_id)))
    try:
        return StoredModel(path, read_description(described))
    except ValueError as error:
        raise InputError(f"the model of run {run_id!r}: {error}") from error


def description_of(run: StoredRun) -> ModelDescription:
    """Return what is known of the model of a run that did not store it with the model, as older versions did not.

    Raises:
        InputError: the run does not say what its model takes.
    """
    if len(run.image_shape) != 3 or len(run.classes) < 2:
        raise InputError(
            f"run {run.run_id!r} does not say which images its model takes, nor the names of its classes, as it would "
            "if this pipeline had recorded it; name a run that was trained by it"
        )
    height, width, channels = run.image_shape
    threads = run.parameters.get("threads", "")
    return ModelDescription(
        classes=run.classes,
        image_shape=(height, width, channels),
        fit=cast("Fit", run.parameters.get("fit", "stretch")),
        estimates="outputs" if run.parameters.get("loss") in REGRESSION_LOSSES else "softmax",
        threads=int(threads) if threads.isdecimal() else 1,
        dataset_digest=run.tags.get(DATASET_TAG) or next((each.digest for each in run.datasets), ""),
    )

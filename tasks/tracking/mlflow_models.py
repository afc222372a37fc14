"""The models of runs as MLflow keeps them: stored, and fetched again."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
from mlflow import MlflowClient, entities
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import Schema, TensorSpec

from tasks.foundation.commands import command
from tasks.foundation.crash_points import crash_point
from tasks.foundation.errors import InputError
from tasks.tracking.mlflow_pictures import REQUIRED, answer_to_pictures
from tasks.tracking.mlflow_store import opened_store, set_tags
from tasks.tracking.outbox_entries import ModelFile
from tasks.tracking.store import store_name, tracking_uri
from tasks.tracking.store_errors import is_not_there
from tasks.tracking.store_outage import waits_for_store
from tasks.tracking.stored_run import MISSING_TAG, MODEL_TAG, StoredRun, warn_if_deleted

MODEL_ARTIFACT = "model"  # where a run's model lies if the server has no logged models, as before MLflow 3


def record_model(client: MlflowClient, run_id: str, entry: ModelFile) -> None:
    """Store the model of a .keras file, as an artifact of its run where the server has no logged models."""
    try:
        _record_logged_model(client, run_id, entry)
    except MlflowException as error:
        if not is_not_there(error):
            raise
        _record_as_artifact(client, run_id, entry)


@waits_for_store
def download_model(run_id: str, directory: Path) -> Path:
    """Return the .keras file of the model that a run has stored, fetched into a directory.

    Raises:
        InputError: the run has none.
    """
    with opened_store() as client:
        run = client.get_run(run_id)
        stored = StoredRun.of(run)
        warn_if_deleted(stored)
        if run.outputs and run.outputs.model_outputs:
            fetched = download_artifacts(
                artifact_uri=f"models:/{run.outputs.model_outputs[0].model_id}",
                dst_path=str(directory),
                tracking_uri=tracking_uri(),
            )
        elif MODEL_TAG in run.data.tags:
            fetched = client.download_artifacts(run_id, MODEL_ARTIFACT, str(directory))
        elif stored.came_to_nothing and MISSING_TAG not in stored.tags:
            raise InputError(f"run {run_id!r} has no model: it {stored.came_to_nothing}")
        else:
            raise InputError(
                f"run {run_id!r} has no model in the MLflow store {store_name()!r}; if its tag {MISSING_TAG!r} names "
                f"one, send that with: {command('reconcile', '--again')}"
            )
    path = Path(fetched) / "data" / "model.keras"
    if not path.exists():
        raise InputError(
            f"run {run_id!r} has no model any more: its record names one, but the files are gone from where the MLflow "
            f"store {store_name()!r} keeps artifacts; put them back, or name another run"
        )
    return path


def _record_logged_model(client: MlflowClient, run_id: str, entry: ModelFile) -> None:
    """Store the model of a .keras file: plain Keras, without the optimizer and without any code of ours.

    Step by step, because MLflow's own `Model.log` cannot go on with a model that was begun.
    """
    run = client.get_run(run_id)
    experiment_id = run.info.experiment_id
    begun = client.search_logged_models([experiment_id], f"source_run_id = '{run_id}'") or [
        client.create_logged_model(experiment_id, name="model", source_run_id=run_id, params=run.data.params)
    ]
    logged = begun[0]
    if logged.status == entities.LoggedModelStatus.READY:
        return
    crash_point("model_announced")
    described = Model(logged.artifact_location, run_id, model_id=logged.model_id, model_uuid=logged.model_id)
    with _saved_model(entry, described) as directory:
        client.log_model_artifacts(logged.model_id, directory)
    crash_point("model_stored")
    if logged.model_id not in [output.model_id for output in run.outputs.model_outputs]:
        client.log_outputs(run_id, [entities.LoggedModelOutput(logged.model_id, step=0)])
    crash_point("model_linked")
    client.finalize_logged_model(logged.model_id, entities.LoggedModelStatus.READY)


def _record_as_artifact(client: MlflowClient, run_id: str, entry: ModelFile) -> None:
    """Store the model as MLflow did before version 3, with the same address for who loads it: ``runs:/RUN/model``."""
    with _saved_model(entry, Model(MODEL_ARTIFACT, run_id)) as directory:
        client.log_artifacts(run_id, directory, MODEL_ARTIFACT)
    set_tags(
        client,
        run_id,
        [(MODEL_TAG, f"artifact {MODEL_ARTIFACT!r} of this run, because the server has no logged models")],
    )


@contextmanager
def _saved_model(entry: ModelFile, described: Model) -> Iterator[str]:
    """Yield a directory with the model of a .keras file as MLflow keeps models, which answers to pictures too."""
    import keras
    import mlflow.keras  # imports TensorFlow, which commands that only read the store do not need

    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, *entry.image_shape), "pixels")]),
        outputs=Schema([TensorSpec(np.dtype(np.float32), (-1, entry.num_classes), "logits")]),
    )
    with tempfile.TemporaryDirectory() as directory:
        mlflow.keras.save_model(
            keras.models.load_model(entry.path, compile=False),
            f"{directory}/model",
            mlflow_model=described,
            signature=signature,
            # Without them MLflow loads the model again in a process of its own to guess them.
            pip_requirements=[f"{package}=={version(package)}" for package in REQUIRED],
        )
        if entry.description:
            answer_to_pictures(Path(directory) / "model", described, entry.description)
        yield f"{directory}/model"

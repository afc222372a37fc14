"""The record of a run in MLflow. The only file that imports mlflow.

Everything goes through `MlflowClient` with the id of the run: MLflow's fluent functions keep an active run for each
thread, and silently start another where they find none.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
from filelock import FileLock
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from mlflow.types import Schema, TensorSpec
from sqlalchemy.exc import SQLAlchemyError

from tasks.errors import InputError
from tasks.provenance import provenance_tags

if TYPE_CHECKING:
    # Not otherwise: it imports TensorFlow, which commands that only read the store do not need.
    from matplotlib.figure import Figure

    from tasks.prepared import PreparedDataset

RUNS = Path("runs")
SYSTEM_METRICS_SECONDS = 5
MLFLOW_UI = "http://127.0.0.1:5000"  # where `python -m flows ui` shows the default store
# Without it a page of MLflow opens in its view for language models, whatever the experiment says.
MODEL_TRAINING_VIEW = "workflowType=machine_learning"
LONGEST_TAG = 5000  # MLflow's own limit is 8000 characters


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, else the store ``mlflow.db`` in the working directory."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path('mlflow.db').absolute()}"


def open_store(experiment: str) -> str:
    """Return the id of ``experiment``, made together with its store where they do not exist yet.

    Safe to call from several processes at once on a store that does not exist.

    Raises:
        InputError: the store cannot be reached or opened, or the experiment was deleted.
    """
    # MLflow's own time-outs let a server that is not there stall the first call for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    uri = tracking_uri()
    try:
        mlflow.set_tracking_uri(uri)  # read by Model.log, which takes none
        with _creation_lock(uri):
            client = _client()
            found = client.get_experiment_by_name(experiment)
            if found and found.lifecycle_stage == "deleted":
                raise InputError(
                    f"experiment: {experiment!r} was deleted in the MLflow store {uri!r}; bring it back with "
                    f"`mlflow experiments restore --experiment-id {found.experiment_id}`, or choose another name"
                )
            experiment_id: str = (
                found.experiment_id if found else client.create_experiment(experiment, _artifact_location(uri))
            )
            # Without this tag MLflow opens the experiment in its view for language models.
            client.set_experiment_tag(experiment_id, "mlflow.experimentKind", "custom_model_development")
    except (MlflowException, SQLAlchemyError, OSError) as error:
        raise InputError(
            f"the MLflow store {uri!r} cannot be used ({_first_line(error)}); start its server or mend "
            "MLFLOW_TRACKING_URI; without that variable, mlflow.db in the working directory is used"
        ) from error
    return experiment_id


@dataclass(frozen=True)
class TrackedRun:
    """A run that is going on: its id, the address of its page, and its directory for files in the making."""

    run_id: str
    url: str
    directory: Path


@contextmanager
def tracked_run(
    experiment_id: str, name: str, parameters: Mapping[str, Any], tags: Mapping[str, str]
) -> Iterator[TrackedRun]:
    """Start a run, yield it, and end it: FINISHED, FAILED with the reason, or KILLED if it was interrupted.

    The run's directory is taken away when the run has FINISHED: what matters of it is in the store by then.
    """
    client = _client()
    run_id: str = client.create_run(experiment_id, run_name=name, tags={**provenance_tags(), **tags}).info.run_id
    directory = (RUNS / run_id).absolute()
    status, reason = "FINISHED", ""
    try:
        directory.mkdir(parents=True)
        client.log_batch(run_id, params=[Param(key, str(value)) for key, value in parameters.items()])
        with _system_metrics(run_id):
            yield TrackedRun(run_id, _run_url(experiment_id, run_id), directory)
        shutil.rmtree(directory)
    except BaseException as error:
        status = "FAILED" if isinstance(error, Exception) else "KILLED"
        reason = f"{type(error).__name__}: {error}"
        raise
    finally:
        if reason:
            set_tags(run_id, {"outcome": status.lower(), "reason": reason})
        client.set_terminated(run_id, status)


def log_metrics(run_id: str, metrics: Mapping[str, float], *, step: int = 0) -> None:
    """Record metrics of one step: an epoch, from 1, or 0 for what a run has once, which MLflow compares by bars."""
    now = int(time.time() * 1000)
    _client().log_batch(run_id, [Metric(name, value, now, step) for name, value in metrics.items()])


def set_tags(run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags, cut to the length that MLflow takes."""
    _client().log_batch(run_id, tags=[RunTag(name, value[:LONGEST_TAG]) for name, value in tags.items()])


def log_figure(run_id: str, figure: Figure, name: str) -> None:
    """Store a figure as the picture ``name``."""
    _client().log_figure(run_id, figure, name)


def log_dataset(run_id: str, prepared: PreparedDataset) -> None:
    """Record the prepared dataset as the run's input, with its digest."""
    height, width, channels = prepared.image_shape
    dataset = Dataset(
        name=prepared.name,
        digest=prepared.digest[:12],  # MLflow shows it beside the name, and keeps at most 36 characters
        source_type="prepared",
        source=json.dumps({"location": prepared.location, "directory": str(prepared.directory)}),
        schema=json.dumps({"image": f"uint8 ({height}, {width}, {channels})", "classes": prepared.classes}),
        profile=json.dumps(prepared.examples),
    )
    _client().log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])


def log_model(run_id: str, path: Path, image_shape: Sequence[int], num_classes: int) -> None:
    """Store the model of a .keras file: plain Keras, without the optimizer and without any code of ours."""
    import keras
    import mlflow.keras  # imports TensorFlow, which commands that only read the store do not need

    model = keras.models.load_model(path, compile=False)
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, *image_shape), "pixels")]),
        outputs=Schema([TensorSpec(np.dtype(np.float32), (-1, num_classes), "logits")]),
    )
    client = _client()
    run = client.get_run(run_id)
    # Made beforehand, because Model.log would put it into the active experiment, and there is none.
    logged = client.create_logged_model(
        run.info.experiment_id, name="model", source_run_id=run_id, params=run.data.params
    )
    Model.log(
        None,
        flavor=mlflow.keras,
        model=model,
        model_id=logged.model_id,
        run_id=run_id,
        signature=signature,
        # Without them MLflow loads the model again in a process of its own to guess them.
        pip_requirements=[f"{package}=={version(package)}" for package in ("keras", "tensorflow", "numpy")],
    )


def _client() -> mlflow.MlflowClient:
    return mlflow.MlflowClient(tracking_uri())


def _run_url(experiment_id: str, run_id: str) -> str:
    """Return the address of the run's page: on the tracking server, else where ``make ui`` shows it."""
    uri = tracking_uri()
    server = uri.rstrip("/") if uri.startswith("http") else MLFLOW_UI
    return f"{server}/#/experiments/{experiment_id}/runs/{run_id}?{MODEL_TRAINING_VIEW}"


def _creation_lock(uri: str) -> AbstractContextManager[Any]:
    """Return a lock for a SQLite file: two first users at once would break its migration."""
    if not uri.startswith("sqlite:///"):
        return nullcontext()
    return FileLock(f"{uri.removeprefix('sqlite:///')}.lock")


def _artifact_location(uri: str) -> str | None:
    """Return where artifacts lie: ``mlartifacts`` in the working directory, unless a server decides for itself."""
    return None if uri.startswith("http") else Path("mlartifacts").absolute().as_uri()


@contextmanager
def _system_metrics(run_id: str) -> Iterator[None]:
    """Record processor, memory, disk, network and GPU use while the block runs, and once more at its end."""
    monitor = SystemMetricsMonitor(run_id, sampling_interval=SYSTEM_METRICS_SECONDS, tracking_uri=tracking_uri())
    monitor.start()
    try:
        yield
    finally:
        monitor.finish()
        # A run that is shorter than the interval would have no point at all.
        monitor.collect_metrics()
        monitor.publish_metrics(monitor.aggregate_metrics())
        monitor.mlflow_logger.flush()


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__

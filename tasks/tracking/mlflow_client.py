"""What MLflow is asked and told. The only file that imports mlflow; what runs record comes here from record.py.

Everything goes through `MlflowClient` with the id of the run: MLflow's fluent functions keep an active run for each
thread, and silently start another where they find none.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from mlflow import MlflowClient, entities
from mlflow.artifacts import download_artifacts
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from mlflow.types import Schema, TensorSpec
from sqlalchemy.exc import SQLAlchemyError

from tasks.foundation.commands import command
from tasks.foundation.crash_points import crash_point
from tasks.foundation.errors import InputError, StoreAwayError
from tasks.foundation.secrets_in_addresses import without_secrets
from tasks.tracking.databases import migration_lock
from tasks.tracking.outbox import OutageError
from tasks.tracking.outbox_entries import Attachment, DatasetUsed, End, Entry, Metrics, ModelFile, Parameters, Tags
from tasks.tracking.refused_entries import RefusedError
from tasks.tracking.store import store_name, tracking_uri
from tasks.tracking.store_errors import http_status, in_words, is_not_there, is_understood, may_pass
from tasks.tracking.store_outage import expect_answers, has_answered, waits_for_store
from tasks.tracking.stored_run import DIRECTORY_TAG, MISSING_TAG, MODEL_TAG, StoredRun

KIND = ("mlflow.experimentKind", "custom_model_development")  # else it opens in the view for language models
LONGEST_TAG = 5000  # MLflow's own limit is 8000 characters
PROBE = "written_when_the_run_began.txt"
MODEL_ARTIFACT = "model"  # where a run's model lies if the server has no logged models, as before MLflow 3
log = logging.getLogger(__name__)


@waits_for_store
def open_experiment(name: str) -> str:
    """Return the id of an experiment, made together with its store where they do not exist yet.

    Safe to call from several processes at once on a store that does not exist.

    Raises:
        InputError: the store cannot be reached or opened, or the experiment was deleted.
    """
    with _opened_store() as client:
        found = client.get_experiment_by_name(name)
        if found and found.lifecycle_stage == "deleted":
            raise InputError(
                f"experiment: {name!r} was deleted in the MLflow store {store_name()!r}; bring it back with "
                f"`mlflow experiments restore --experiment-id {found.experiment_id}`, or choose another name"
            )
        experiment_id = str(found.experiment_id) if found else _create_experiment(client, name)
        if found and KIND not in found.tags.items():
            client.set_experiment_tag(experiment_id, *KIND)
    return experiment_id


def _create_experiment(client: MlflowClient, name: str) -> str:
    # A tracking server decides for itself where artifacts lie.
    location = None if tracking_uri().startswith("http") else Path("mlartifacts").absolute().as_uri()
    try:  # with its tag at once: of two processes that set the same new tag one fails
        return str(client.create_experiment(name, location, tags=dict([KIND])))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return str(client.get_experiment_by_name(name).experiment_id)  # another process was faster


def create_run(experiment_id: str, name: str, tags: Mapping[str, str]) -> str:
    """Start a run and return its id."""
    try:
        with _opened_store() as client:
            run_id: str = client.create_run(experiment_id, run_name=name, tags=dict(tags)).info.run_id
    except StoreAwayError:
        run_id = _create_run_after_outage(experiment_id, name, tags)
    crash_point("run_created")
    return run_id


@waits_for_store
def _create_run_after_outage(experiment_id: str, name: str, tags: Mapping[str, str]) -> str:
    """Start a run, unless the store has made it when it was asked before, and could not say so."""
    with _opened_store() as client:
        of_this_directory = f"tags.`{DIRECTORY_TAG}` LIKE '%{Path(tags[DIRECTORY_TAG]).name}'"
        made = client.search_runs([experiment_id], of_this_directory)
        run = made[0] if made else client.create_run(experiment_id, run_name=name, tags=dict(tags))
        return str(run.info.run_id)


def delete_run(run_id: str) -> None:
    """Take back a run in which nothing has happened."""
    with _opened_store() as client:
        client.delete_run(run_id)


@waits_for_store
def require_artifacts(run_id: str) -> None:
    """Make sure that a run can store files: write a small one, read it, and remove it where that is possible.

    Raises:
        InputError: it cannot be written or read. All that a training makes would be lost at its end.
    """
    with _opened_store() as client, tempfile.TemporaryDirectory() as directory:
        artifacts = client.get_run(run_id).info.artifact_uri
        file = Path(directory) / PROBE
        file.write_text("This run could store files when it began.\n")
        try:
            client.log_artifact(run_id, str(file))
            (fetched := Path(directory) / "fetched").mkdir()
            client.download_artifacts(run_id, PROBE, str(fetched))
        except Exception as error:  # noqa: BLE001 - each kind of storage raises errors of its own
            if has_answered() and may_pass(error) and not _answers(client):
                raise StoreAwayError(f"The MLflow store {store_name()!r} does not answer ({in_words(error)})") from None
            what_to_do = (
                f"install {error.name!r} in the environment that trains"
                if isinstance(error, ModuleNotFoundError)
                else "mend the access to it (permissions, credentials, the limits of a gateway)"
            )
            raise InputError(
                f"the files of a run cannot be stored at {without_secrets(artifacts)!r}, where the MLflow store "
                f"{store_name()!r} keeps them ({in_words(error)}); {what_to_do}, or choose another store: "
                "MLFLOW_TRACKING_URI"
            ) from None
        try:
            get_artifact_repository(artifacts, tracking_uri=tracking_uri()).delete_artifacts(PROBE)
        except Exception as error:  # noqa: BLE001 - as above
            log.info("The file %s remains in the run, because it cannot be removed: %s", PROBE, in_words(error))


@waits_for_store
def reopen_run(run_id: str, tags: Mapping[str, str]) -> None:
    """Let a run that ended, or whose process did, go on."""
    with _opened_store() as client:
        client.update_run(run_id, status="RUNNING")
        for name in {"outcome", "reason"} & client.get_run(run_id).data.tags.keys():
            client.delete_tag(run_id, name)
        _set_tags(client, run_id, tags.items())


@waits_for_store
def get_run(run_id: str) -> StoredRun:
    """Return a run. Raises InputError if there is none of that id, or the store cannot be used."""
    with _opened_store() as client:
        try:
            return StoredRun.of(client.get_run(run_id))
        except MlflowException as error:
            if not is_understood(error):
                raise
            raise InputError(f"the MLflow store {store_name()!r} has no run {run_id!r}") from None


@waits_for_store
def find_runs(condition: str) -> list[StoredRun]:
    """Return the runs of all experiments that fulfil a condition of MLflow's search."""
    with _opened_store() as client:
        found: list[StoredRun] = []
        for experiments in _pages(client.search_experiments):
            ids = [experiment.experiment_id for experiment in experiments]
            if ids:  # a search in no experiment is one in all, for some stores
                for runs in _pages(partial(client.search_runs, ids, condition)):
                    found += map(StoredRun.of, runs)
        return found


def _pages(search: Callable[..., Any]) -> Iterator[Iterable[Any]]:
    """Yield all pages of a search, of which MLflow gives a thousand hits at a time."""
    page = search()
    yield page
    while page.token:
        page = search(page_token=page.token)
        yield page


@waits_for_store
def metric_history(run_id: str, name: str) -> tuple[float, ...]:
    """Return the values of a metric, by step."""
    with _opened_store() as client:
        points = client.get_metric_history(run_id, name)
    return tuple(point.value for point in sorted(points, key=lambda point: point.step))


@waits_for_store
def download_model(run_id: str, directory: Path) -> Path:
    """Return the .keras file of the model that a run has stored, fetched into a directory.

    Raises:
        InputError: the run has none.
    """
    with _opened_store() as client:
        run = client.get_run(run_id)
        if run.outputs and run.outputs.model_outputs:
            fetched = download_artifacts(
                artifact_uri=f"models:/{run.outputs.model_outputs[0].model_id}",
                dst_path=str(directory),
                tracking_uri=tracking_uri(),
            )
        elif MODEL_TAG in run.data.tags:
            fetched = client.download_artifacts(run_id, MODEL_ARTIFACT, str(directory))
        else:
            raise InputError(
                f"run {run_id!r} has no model in the MLflow store {store_name()!r}; if its tag {MISSING_TAG!r} names "
                f"one, send that with: {command('reconcile', '--again')}"
            )
    return Path(fetched) / "data" / "model.keras"


@waits_for_store
def read_file(run_id: str, name: str) -> bytes | None:
    """Return the content of the file ``name`` that a run has stored; none if it has no such file."""
    with _opened_store() as client, tempfile.TemporaryDirectory() as directory:
        if name not in {file.path for file in client.list_artifacts(run_id)}:
            return None
        return Path(client.download_artifacts(run_id, name, directory)).read_bytes()


@waits_for_store
def read_folder(run_id: str, name: str) -> dict[str, bytes]:
    """Return the content of each file that a run has stored below the folder ``name``, by its path from there."""
    with _opened_store() as client, tempfile.TemporaryDirectory() as directory:
        if not client.list_artifacts(run_id, name):
            return {}
        folder = Path(client.download_artifacts(run_id, name, directory))
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def send(run_id: str, entry: Entry) -> None:
    """Have MLflow record an entry. Doing it again changes nothing.

    Raises:
        OutageError: it may work later.
        RefusedError: it will not.
    """
    client = _client()
    try:
        _record(client, run_id, entry)
    except Exception as error:  # noqa: BLE001 - each kind of storage raises errors of its own
        # That something is not there, or forbidden, also says whoever stands in for a server that is away.
        unsure = http_status(error) is not None and not is_understood(error)
        if may_pass(error) or (unsure and not _answers(client)):
            raise OutageError(in_words(error)) from None
        raise RefusedError(in_words(error)) from None


def _answers(client: MlflowClient) -> bool:
    try:
        client.search_experiments(max_results=1)
    except (MlflowException, SQLAlchemyError, OSError):
        return False
    return True


@waits_for_store
def send_now(run_id: str, entry: Entry) -> None:
    """Have MLflow record an entry, which waits for a store that is away. Raises StoreAwayError if it stays away."""
    try:
        send(run_id, entry)
    except OutageError as outage:
        raise StoreAwayError(f"The MLflow store {store_name()!r} does not answer ({outage})") from outage


def _record(client: MlflowClient, run_id: str, entry: Entry) -> None:
    match entry:
        case Parameters(parameters=parameters):
            params = [entities.Param(name, value) for name, value in parameters.items()]
            client.log_batch(run_id, params=params, synchronous=True)
        case Tags(tags=tags):
            _set_tags(client, run_id, tags.items())
        case Metrics(metrics=metrics, step=step, timestamp=timestamp):
            points = [entities.Metric(name, value, timestamp, step) for name, value in metrics.items()]
            client.log_batch(run_id, points, synchronous=True)
        case DatasetUsed():
            dataset = entities.Dataset(
                entry.name, entry.digest, "prepared", entry.source, entry.features, entry.profile
            )
            client.log_inputs(
                run_id, [entities.DatasetInput(dataset, [entities.InputTag("mlflow.data.context", "training")])]
            )
        case Attachment(name=name, content=content):
            folder, _, file = name.rpartition("/")
            with tempfile.TemporaryDirectory() as directory:
                (Path(directory) / file).write_bytes(content)
                client.log_artifact(run_id, str(Path(directory) / file), folder or None)
        case ModelFile():
            try:
                _record_model(client, run_id, entry)
            except MlflowException as error:
                if not is_not_there(error):
                    raise
                _record_model_as_artifact(client, run_id, entry)
        case End(status=status, timestamp=timestamp):
            client.set_terminated(run_id, status, timestamp)


def _set_tags(client: MlflowClient, run_id: str, tags: Iterable[tuple[str, str]]) -> None:
    # Whatever MLFLOW_ENABLE_ASYNC_LOGGING says: MLflow's own queue is lost with the process, and when a server is away.
    client.log_batch(
        run_id, tags=[entities.RunTag(name, value[:LONGEST_TAG]) for name, value in tags], synchronous=True
    )


def _record_model(client: MlflowClient, run_id: str, entry: ModelFile) -> None:
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


def _record_model_as_artifact(client: MlflowClient, run_id: str, entry: ModelFile) -> None:
    """Store the model as MLflow did before version 3, with the same address for who loads it: ``runs:/RUN/model``."""
    with _saved_model(entry, Model(MODEL_ARTIFACT, run_id)) as directory:
        client.log_artifacts(run_id, directory, MODEL_ARTIFACT)
    _set_tags(
        client,
        run_id,
        [(MODEL_TAG, f"artifact {MODEL_ARTIFACT!r} of this run, because the server has no logged models")],
    )


@contextmanager
def _saved_model(entry: ModelFile, described: Model) -> Iterator[str]:
    """Yield a directory with the model of a .keras file as MLflow keeps models."""
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
            pip_requirements=[f"{package}=={version(package)}" for package in ("keras", "tensorflow", "numpy")],
        )
        yield f"{directory}/model"


def system_metrics() -> Callable[[], dict[str, float]]:
    """Return what measures processor, memory, disk, network and GPU use since it was called last."""
    # MLflow's monitor without its thread, which ends at the first answer that the store does not give.
    monitor = SystemMetricsMonitor("", tracking_uri=tracking_uri())

    def measure() -> dict[str, float]:
        monitor.collect_metrics()
        measured = {f"system/{name}": float(value) for name, value in monitor.aggregate_metrics().items()}
        for each in monitor.monitors:
            each.clear_metrics()
        return measured

    return measure


@contextmanager
def _opened_store() -> Iterator[MlflowClient]:
    """Yield a client of the store, which is made if it does not exist.

    Raises:
        InputError: it cannot be used.
        StoreAwayError: it cannot now, and could before.
    """
    # MLflow's own time-outs let a server that is not there stall the first call for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # they are for our own lines
    # A pickled model runs whatever its maker wrote into it; ours are Keras files.
    os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    try:
        _ensure_tables(tracking_uri())
        yield _client()
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:  # a database needs its driver
        if has_answered() and may_pass(error):
            raise StoreAwayError(f"The MLflow store {store_name()!r} does not answer ({in_words(error)})") from None
        raise InputError(
            f"the MLflow store {store_name()!r} cannot be used ({in_words(error)}); start its server or mend "
            "MLFLOW_TRACKING_URI; without that variable, mlflow.db in the working directory is used"
        ) from None  # whose text may quote the address with its secrets, and Prefect would log that


def _client() -> MlflowClient:
    return _client_of(tracking_uri())


@cache  # a report asks thousands of times
def _client_of(uri: str) -> MlflowClient:
    return MlflowClient(uri)


@cache
def _ensure_tables(uri: str) -> None:
    """Open the store for the first time in this process, which makes the tables of a database that has none."""
    with migration_lock(uri, "mlflow"):
        _client_of(uri).search_experiments(max_results=1)
    expect_answers()

"""What MLflow is asked and told of experiments and runs; what runs record comes here from record.py."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mlflow import MlflowClient, entities
from mlflow.exceptions import MlflowException

from tasks.foundation.crash_points import crash_point
from tasks.foundation.errors import InputError, StoreAwayError
from tasks.tracking.mlflow_models import record_model
from tasks.tracking.mlflow_store import answers, client_of_store, opened_store, set_tags
from tasks.tracking.outbox import OutageError
from tasks.tracking.outbox_entries import Attachment, DatasetUsed, End, Entry, Metrics, ModelFile, Parameters, Tags
from tasks.tracking.refused_entries import RefusedError
from tasks.tracking.store import store_name, tracking_uri
from tasks.tracking.store_errors import http_status, in_words, is_understood, may_pass
from tasks.tracking.store_outage import waits_for_store
from tasks.tracking.stored_run import DIRECTORY_TAG, StoredRun

KIND = ("mlflow.experimentKind", "custom_model_development")  # else it opens in the view for language models


@waits_for_store
def open_experiment(name: str) -> str:
    """Return the id of an experiment, made together with its store where they do not exist yet.

    Safe to call from several processes at once on a store that does not exist.

    Raises:
        InputError: the store cannot be reached or opened, or the experiment was deleted.
    """
    with opened_store() as client:
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
        with opened_store() as client:
            run_id: str = client.create_run(experiment_id, run_name=name, tags=dict(tags)).info.run_id
    except StoreAwayError:
        run_id = _create_run_after_outage(experiment_id, name, tags)
    crash_point("run_created")
    return run_id


@waits_for_store
def _create_run_after_outage(experiment_id: str, name: str, tags: Mapping[str, str]) -> str:
    """Start a run, unless the store has made it when it was asked before, and could not say so."""
    with opened_store() as client:
        of_this_directory = f"tags.`{DIRECTORY_TAG}` LIKE '%{Path(tags[DIRECTORY_TAG]).name}'"
        made = client.search_runs([experiment_id], of_this_directory)
        run = made[0] if made else client.create_run(experiment_id, run_name=name, tags=dict(tags))
        return str(run.info.run_id)


def delete_run(run_id: str) -> None:
    """Take back a run in which nothing has happened."""
    with opened_store() as client:
        client.delete_run(run_id)


@waits_for_store
def reopen_run(run_id: str, tags: Mapping[str, str]) -> None:
    """Let a run that ended, or whose process did, go on."""
    with opened_store() as client:
        client.update_run(run_id, status="RUNNING")
        for name in {"outcome", "reason"} & client.get_run(run_id).data.tags.keys():
            client.delete_tag(run_id, name)
        set_tags(client, run_id, tags.items())


@waits_for_store
def get_run(run_id: str) -> StoredRun:
    """Return a run. Raises InputError if there is none of that id, or the store cannot be used."""
    with opened_store() as client:
        try:
            return StoredRun.of(client.get_run(run_id))
        except MlflowException as error:
            if not is_understood(error):
                raise
            raise InputError(f"the MLflow store {store_name()!r} has no run {run_id!r}") from None


@waits_for_store
def find_runs(condition: str, *, deleted: bool = False) -> list[StoredRun]:
    """Return the runs of all experiments that fulfil a condition of MLflow's search; ``deleted`` ones too, if wanted.

    MLflow keeps what is deleted until somebody runs ``mlflow gc``.
    """
    which = entities.ViewType.ALL if deleted else entities.ViewType.ACTIVE_ONLY
    with opened_store() as client:
        found: list[StoredRun] = []
        for experiments in _pages(partial(client.search_experiments, which)):
            ids = [experiment.experiment_id for experiment in experiments]
            if ids:  # a search in no experiment is one in all, for some stores
                for runs in _pages(partial(client.search_runs, ids, condition, which)):
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
    with opened_store() as client:
        points = client.get_metric_history(run_id, name)
    return tuple(point.value for point in sorted(points, key=lambda point: point.step))


def send(run_id: str, entry: Entry) -> None:
    """Have MLflow record an entry. Doing it again changes nothing.

    Raises:
        OutageError: it may work later.
        RefusedError: it will not.
    """
    client = client_of_store()
    try:
        _record(client, run_id, entry)
    except Exception as error:  # noqa: BLE001 - each kind of storage raises errors of its own
        # That something is not there, or forbidden, also says whoever stands in for a server that is away.
        unsure = http_status(error) is not None and not is_understood(error)
        if may_pass(error) or (unsure and not answers(client)):
            raise OutageError(in_words(error)) from None
        raise RefusedError(in_words(error)) from None


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
            set_tags(client, run_id, tags.items())
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
            record_model(client, run_id, entry)
        case End(status=status, timestamp=timestamp):
            client.set_terminated(run_id, status, timestamp)

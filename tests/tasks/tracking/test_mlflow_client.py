"""What MLflow is asked and told: experiments, runs, and each kind of entry."""

from __future__ import annotations

import contextlib
import math
import sqlite3
import time
from collections.abc import Callable
from functools import partialmethod
from pathlib import Path
from typing import Any

import mlflow
import mlflow.keras
import mlflow.store.db.utils
import pytest
from mlflow.exceptions import MlflowException

from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client, mlflow_files
from tasks.tracking.mlflow_client import open_experiment
from tasks.tracking.outbox import OutageError
from tasks.tracking.outbox_entries import Attachment, DatasetUsed, End, Entry, Metrics, ModelFile, Parameters, Tags
from tasks.tracking.store_outage import pause
from tasks.tracking.stored_run import DIRECTORY_TAG, warn_if_deleted
from tests.support.store import store


def test_an_experiment_is_made_once_and_opens_in_the_view_for_training(workplace: Path) -> None:
    experiment = open_experiment("tests")
    assert open_experiment("tests") == experiment
    found = store().get_experiment(experiment)
    assert found.name == "tests"
    assert found.tags["mlflow.experimentKind"] == "custom_model_development"
    assert found.artifact_location == (workplace / "mlartifacts").as_uri()


def test_an_experiment_that_somebody_else_has_made_opens_in_that_view_too(workplace: Path) -> None:
    assert workplace.is_dir()
    experiment = store().create_experiment("theirs", tags={"theirs": "stays"})
    assert open_experiment("theirs") == experiment
    tags = store().get_experiment(experiment).tags
    assert (tags["mlflow.experimentKind"], tags["theirs"]) == ("custom_model_development", "stays")


@pytest.mark.usefixtures("workplace")
def test_a_deleted_experiment_is_told_with_what_to_do() -> None:
    experiment = open_experiment("tests")
    store().delete_experiment(experiment)
    with pytest.raises(InputError, match=r"experiment: 'tests' was deleted .*mlflow experiments restore.*another name"):
        open_experiment("tests")


def test_entries_can_be_sent_again_and_change_nothing(
    run_id: str, prepared: PreparedDataset, make_compiled: Callable[..., Path]
) -> None:
    path = make_compiled()
    entries: list[Entry] = [
        Parameters(parameters={"epochs": "3"}),
        Metrics(metrics={"train/loss": 0.5, "train/accuracy": math.nan}, step=1, timestamp=1_700_000_000_000),
        DatasetUsed(name="digits", digest="abc", source="{}", features="{}", profile="{}"),
        Attachment(name="curves.png", content=b"png"),
        Attachment(name="sources/0123/mine.py", content=b"A = 1"),
        Tags(tags={"outcome": "completed"}),
        ModelFile(path=path, image_shape=prepared.image_shape, num_classes=10),
        End(status="FINISHED", timestamp=1_700_000_001_000),
    ]
    for entry in entries * 2:
        mlflow_client.send(run_id, entry)
    run = store().get_run(run_id)
    assert (run.info.status, run.info.end_time) == ("FINISHED", 1_700_000_001_000)
    assert (run.data.params, run.data.tags["outcome"]) == ({"epochs": "3"}, "completed")
    for name in ("train/loss", "train/accuracy"):
        (point,) = store().get_metric_history(run_id, name)
        assert (point.step, point.timestamp) == (1, 1_700_000_000_000)
    assert len(run.inputs.dataset_inputs) == 1
    assert [file.path for file in store().list_artifacts(run_id)] == ["curves.png", "sources"]
    assert mlflow_files.read_folder(run_id, "sources/0123") == {"mine.py": b"A = 1"}
    assert mlflow_files.read_folder(run_id, "sources") == {"0123/mine.py": b"A = 1"}
    assert mlflow_files.read_folder(run_id, "nothing") == {}
    assert [str(model.status) for model in store().search_logged_models([run.info.experiment_id])] == ["READY"]
    assert len(run.outputs.model_outputs) == 1


def test_a_run_that_the_store_made_and_could_not_tell_of_is_not_made_twice(
    experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = mlflow.MlflowClient.create_run

    def create_and_lose_the_answer(*arguments: Any, **named: Any) -> None:
        create(*arguments, **named)
        raise MlflowException("API request failed")

    monkeypatch.setattr(mlflow.MlflowClient, "create_run", create_and_lose_the_answer)
    tags = {DIRECTORY_TAG: "/it's/runs/0123abcd"}
    run_id = mlflow_client.create_run(experiment, "a run", tags)
    (run,) = mlflow_client.find_runs("attributes.run_name = 'a run'")
    assert (run.run_id, run.tags[DIRECTORY_TAG]) == (run_id, tags[DIRECTORY_TAG])


def test_what_is_sent_at_once_waits_too(run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    send, paused = mlflow_client.send, []

    def away(*_: object) -> None:
        raise OutageError("nobody there")

    def comes_back(seconds: float) -> None:
        paused.append(seconds)
        monkeypatch.setattr(mlflow_client, "send", send)

    monkeypatch.setattr(mlflow_client, "send", away)
    token = pause.set(comes_back)
    try:
        mlflow_client.send_now(run_id, Tags(tags={"a": "b"}))
    finally:
        pause.reset(token)
    assert paused == [1]
    assert mlflow_client.get_run(run_id).tags["a"] == "b"


def test_a_run_that_is_deleted_in_mlflow_is_told(run_id: str, caplog: pytest.LogCaptureFixture) -> None:
    warn_if_deleted(mlflow_client.get_run(run_id))
    assert not caplog.messages
    store().delete_run(run_id)
    warn_if_deleted(mlflow_client.get_run(run_id))
    (told,) = caplog.messages
    assert told.startswith(f"Run {run_id} is deleted in MLflow: `mlflow gc` will remove its model and its predictions")


def test_a_run_that_goes_on_has_no_outcome_any_more(run_id: str) -> None:
    mlflow_client.send(run_id, Tags(tags={"outcome": "killed", "reason": "KeyboardInterrupt", "kept": "yes"}))
    mlflow_client.send(run_id, End(status="KILLED", timestamp=1_700_000_001_000))
    mlflow_client.reopen_run(run_id, {"run.host": "there"})
    run = mlflow_client.get_run(run_id)
    assert (run.status, run.tags["run.host"], run.tags["kept"]) == ("RUNNING", "there", "yes")
    assert {"outcome", "reason"}.isdisjoint(run.tags)


def test_a_run_that_there_is_not_is_told(experiment: str) -> None:
    assert experiment
    with pytest.raises(InputError, match="has no run 'nonsense'"):
        mlflow_client.get_run("nonsense")


def test_runs_are_found_in_all_experiments(experiment: str, run_id: str) -> None:
    other = mlflow_client.create_run(
        mlflow_client.open_experiment("other"), "another", {"run.directory": "/a/b/runs/abc"}
    )
    store().set_terminated(mlflow_client.create_run(experiment, "ended", {}))
    assert {run.run_id for run in mlflow_client.find_runs("attributes.status = 'RUNNING'")} == {run_id, other}
    (found,) = mlflow_client.find_runs("tags.`run.directory` LIKE '%abc'")
    assert (found.run_id, found.name, found.directory) == (other, "another", Path("/a/b/runs/abc"))
    assert mlflow_client.get_run(run_id).directory is None


def test_runs_of_many_pages_are_all_found(experiment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run_ids = {mlflow_client.create_run(experiment, f"run {number}", {}) for number in range(5)}
    search = mlflow.MlflowClient.search_runs
    monkeypatch.setattr(mlflow.MlflowClient, "search_runs", partialmethod(search, max_results=2))
    found = [run.run_id for run in mlflow_client.find_runs("attributes.status = 'RUNNING'")]
    assert len(found) == len(run_ids)
    assert set(found) == run_ids


def test_runs_are_found_in_a_store_of_more_than_a_thousand_experiments(run_id: str, workplace: Path) -> None:
    with contextlib.closing(sqlite3.connect(workplace / "mlflow.db")) as database, database:
        later = int(time.time() * 1000) + 1000
        columns = "(experiment_id, name, lifecycle_stage, creation_time, last_update_time)"
        database.executemany(
            f"INSERT INTO experiments {columns} VALUES (?, ?, 'active', ?, ?)",  # noqa: S608 - our own words
            [(100 + number, f"experiment {number}", later, later) for number in range(2100)],
        )
    assert len(store().search_experiments()) == 1000  # the newest, among which the run's is not
    assert [run.run_id for run in mlflow_client.find_runs("attributes.status = 'RUNNING'")] == [run_id]


def test_mlflow_records_at_once_whatever_its_settings_say(run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_LOGGING", "true")

    def never(*_: object, **__: object) -> None:
        raise AssertionError("it goes by MLflow's own queue")

    monkeypatch.setattr("mlflow.utils.async_logging.async_logging_queue.AsyncLoggingQueue.log_batch_async", never)
    mlflow_client.send(run_id, Parameters(parameters={"epochs": "3"}))
    mlflow_client.send(run_id, Metrics(metrics={"train/loss": 0.5}, step=1, timestamp=1))
    mlflow_client.send(run_id, Tags(tags={"a": "b"}))
    mlflow_client.reopen_run(run_id, {"c": "d"})
    run = mlflow_client.get_run(run_id)
    assert (run.parameters, run.metrics, run.tags["a"], run.tags["c"]) == (
        {"epochs": "3"},
        {"train/loss": 0.5},
        "b",
        "d",
    )


@pytest.mark.usefixtures("workplace")
def test_a_store_without_an_experiment_has_no_runs() -> None:
    store().delete_experiment("0")
    assert mlflow_client.find_runs("attributes.status = 'RUNNING'") == []

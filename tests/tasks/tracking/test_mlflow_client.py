"""What MLflow is asked and told: the store, its runs, and each kind of entry."""

from __future__ import annotations

import contextlib
import http.server
import json
import math
import os
import sqlite3
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path
from typing import Any

import keras
import mlflow
import mlflow.keras
import mlflow.store.db.utils
import numpy as np
import pytest
import requests
from mlflow.exceptions import MlflowException
from mlflow.utils.rest_utils import verify_rest_response

from flows.servers.server_process import free_port
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError, StoreAwayError
from tasks.tracking import mlflow_client, mlflow_files, mlflow_models, mlflow_store
from tasks.tracking.mlflow_client import open_experiment
from tasks.tracking.outbox import OutageError
from tasks.tracking.outbox_entries import Attachment, DatasetUsed, End, Entry, Metrics, ModelFile, Parameters, Tags
from tasks.tracking.refused_entries import RefusedError
from tasks.tracking.store import run_url, store_name, tracking_uri
from tasks.tracking.store_outage import pause, without_waiting
from tasks.tracking.stored_run import DIRECTORY_TAG, warn_if_deleted

ROOT = Path(__file__).parents[3]


def store() -> mlflow.MlflowClient:
    return mlflow.MlflowClient(tracking_uri())


@pytest.fixture
def experiment(workplace: Path) -> str:
    assert workplace.is_dir()
    return open_experiment("tests")


def test_the_store_is_in_the_working_directory_unless_told_otherwise(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tracking_uri() == f"sqlite:///{workplace}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.org")
    assert tracking_uri() == "http://example.org"


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


def test_processes_that_use_a_fresh_store_at_once_all_succeed(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tasks.tracking.mlflow_client import open_experiment; "
        "print('ready', flush=True); sys.stdin.readline(); print(open_experiment('tests'))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        for _ in range(2)
    ]
    assert [process.stdout.readline() for process in processes if process.stdout] == ["ready\n"] * 2
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert {output for output, _ in outputs} == {"1\n"}


@pytest.mark.usefixtures("workplace")
def test_a_deleted_experiment_is_told_with_what_to_do() -> None:
    experiment = open_experiment("tests")
    store().delete_experiment(experiment)
    with pytest.raises(InputError, match=r"experiment: 'tests' was deleted .*mlflow experiments restore.*another name"):
        open_experiment("tests")


@pytest.mark.usefixtures("workplace")
def test_a_server_that_is_not_there_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(InputError, match=rf"the MLflow store '{uri}' cannot be used .*start its server or mend"):
        open_experiment("tests")


@pytest.mark.parametrize("uri", ["nonsense://example", "sqlite:///a_file/mlflow.db"])
def test_a_store_that_cannot_be_opened_is_told(workplace: Path, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (workplace / "a_file").touch()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(InputError, match="MLFLOW_TRACKING_URI") as error:
        open_experiment("tests")
    assert repr(uri) in str(error.value)


def test_a_file_that_is_no_database_is_told(workplace: Path) -> None:
    (workplace / "mlflow.db").write_text("this is no database, and long enough for SQLite to see that" * 100)
    with pytest.raises(InputError, match=r"mlflow\.db' cannot be used"):
        open_experiment("tests")


def test_requests_to_a_server_do_not_wait_for_minutes(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert workplace.is_dir()
    for name in ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    open_experiment("tests")
    assert int(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]) <= 10
    assert int(os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]) <= 2


def test_the_page_of_a_run_is_on_the_configured_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://example.org/mlflow/")
    assert run_url("1", "abc").startswith("https://example.org/mlflow/#/experiments/1/runs/abc")


@pytest.fixture
def run_id(experiment: str) -> str:
    return mlflow_client.create_run(experiment, "a run", {"run.host": "here"})


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


@pytest.mark.parametrize("step", ["log_model_artifacts", "log_outputs", "finalize_logged_model"])
def test_a_model_that_was_begun_is_completed(
    run_id: str,
    prepared: PreparedDataset,
    make_compiled: Callable[..., Path],
    step: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = ModelFile(path=make_compiled(), image_shape=prepared.image_shape, num_classes=10)
    original = getattr(mlflow.MlflowClient, step)

    def killed(*arguments: Any, **named: Any) -> None:
        if step != "log_model_artifacts":
            original(*arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(mlflow.MlflowClient, step, killed)
        with pytest.raises(KeyboardInterrupt):
            mlflow_client.send(run_id, entry)
    mlflow_client.send(run_id, entry)
    run = store().get_run(run_id)
    (output,) = run.outputs.model_outputs
    (model,) = store().search_logged_models([run.info.experiment_id])
    assert (model.model_id, str(model.status)) == (output.model_id, "READY")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
    assert mlflow.keras.load_model(f"runs:/{run_id}/model").output_shape == (None, 10)


def test_what_mlflow_refuses_is_told_from_what_may_pass(
    run_id: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = Tags(tags={"a": "b"})
    with pytest.raises(RefusedError, match="not found"):
        mlflow_client.send("0" * 32, tag)
    with pytest.raises(RefusedError, match="Invalid value"):
        mlflow_client.send(run_id, Metrics(metrics={"no?name": 1.0}, step=1, timestamp=1))
    lock = sqlite3.connect(workplace / "mlflow.db")
    lock.execute("DROP TABLE tags")
    with pytest.raises(OutageError):
        mlflow_client.send(run_id, tag)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(OutageError):
        mlflow_client.send(run_id, tag)


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


@pytest.mark.parametrize(
    "question",
    [
        lambda run_id: mlflow_client.open_experiment("lenet"),  # noqa: ARG005
        lambda run_id: mlflow_client.get_run(run_id).run_id,
        lambda run_id: mlflow_client.find_runs("attributes.status = 'RUNNING'"),  # noqa: ARG005
        lambda run_id: mlflow_client.metric_history(run_id, "train/loss"),
        lambda run_id: mlflow_client.reopen_run(run_id, {"a": "b"}),
    ],
)
def test_every_question_waits_for_a_store_that_has_answered(
    run_id: str, monkeypatch: pytest.MonkeyPatch, question: Callable[[str], object]
) -> None:
    expected = question(run_id)
    client, paused = mlflow_store.client_of_store, []

    def away() -> None:
        raise MlflowException("API request to http://x failed with exception")

    def comes_back(seconds: float) -> None:
        paused.append(seconds)
        monkeypatch.setattr(mlflow_store, "client_of_store", client)

    monkeypatch.setattr(mlflow_store, "client_of_store", away)
    token = pause.set(comes_back)
    try:
        assert question(run_id) == expected
    finally:
        pause.reset(token)
    assert paused == [1]


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


def test_a_store_that_goes_away_while_its_files_are_tried_is_no_bad_input(
    run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise MlflowException("API request to http://x failed with exception")

    monkeypatch.setattr(mlflow.MlflowClient, "log_artifact", away)
    with without_waiting():
        with pytest.raises(InputError, match="files of a run cannot be stored"):
            mlflow_files.require_artifacts(run_id)
        monkeypatch.setattr(mlflow.MlflowClient, "search_experiments", away)
        with pytest.raises(StoreAwayError, match="does not answer"):
            mlflow_files.require_artifacts(run_id)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """A tracking server that answers everything, or all but searches, with the status and the text that it is given."""

    class Handler(http.server.BaseHTTPRequestHandler):
        answer = (200, "")
        answers_else = False

        def do_POST(self) -> None:
            status, text = (200, "{}") if self.answers_else and "search" in self.path else self.answer
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    def answer(status: int, text: str, *, answers_else: bool = False) -> None:
        Handler.answer, Handler.answers_else = (status, text), answers_else

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        yield answer
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, "who are you"),
        (403, '{"message": "Forbidden"}'),
        (404, "<html>of another server, or of a proxy</html>"),
        (413, ""),
        (500, "Internal Server Error"),
        (500, '{"error_code": "INTERNAL_ERROR", "message": "a database that is away"}'),
        (503, "starting"),
        (503, '{"error_code": "TEMPORARILY_UNAVAILABLE", "message": "busy"}'),
    ],
)
def test_a_server_that_answers_errors_is_an_outage(status: int, text: str, answering: Callable[..., None]) -> None:
    answering(status, text)
    with pytest.raises(OutageError):
        mlflow_client.send("0" * 32, Tags(tags={"a": "b"}))


@pytest.mark.parametrize("status", [400, 403, 404, 405, 413])
@pytest.mark.parametrize("text", ["", "<html>of a gateway</html>", '{"message": "Forbidden"}'])
def test_a_gateway_that_takes_the_rest_can_refuse(status: int, text: str, answering: Callable[..., None]) -> None:
    answering(status, text, answers_else=True)
    with pytest.raises(RefusedError):
        mlflow_client.send("0" * 32, Tags(tags={"a": "b"}))


@pytest.mark.parametrize("status", [401, 408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("text", ["", '{"message": "later"}'])
def test_what_may_pass_is_an_outage_also_where_the_rest_is_taken(
    status: int, text: str, answering: Callable[..., None]
) -> None:
    answering(status, text, answers_else=True)
    with pytest.raises(OutageError):
        mlflow_client.send("0" * 32, Tags(tags={"a": "b"}))


@pytest.mark.parametrize(("status", "code"), [(404, "RESOURCE_DOES_NOT_EXIST"), (400, "INVALID_PARAMETER_VALUE")])
def test_a_server_can_refuse(status: int, code: str, answering: Callable[..., None]) -> None:
    answering(status, json.dumps({"error_code": code, "message": "never"}))
    with pytest.raises(RefusedError, match=f"{code}: never"):
        mlflow_client.send("0" * 32, Tags(tags={"a": "b"}))


def test_a_store_that_another_holds_for_long_is_an_outage(
    run_id: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = mlflow.store.db.utils.sql.text
    monkeypatch.setattr(mlflow.store.db.utils.sql, "text", lambda sql: text(sql.replace("20000", "1")))  # milliseconds
    with contextlib.closing(sqlite3.connect(workplace / "mlflow.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutageError, match="locked"):
            mlflow_client.send(run_id, Tags(tags={"a": "b"}))
        holder.execute("ROLLBACK")
    mlflow_client.send(run_id, Tags(tags={"a": "b"}))
    assert mlflow_client.get_run(run_id).tags["a"] == "b"


@pytest.fixture
def _old_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without logged models: MLflow's before version 3, and some that are managed."""

    def not_there(*_: object, **__: object) -> None:
        response = requests.Response()
        response.status_code = 404
        verify_rest_response(response, "/api/2.0/mlflow/logged-models/search")

    for name in ("search_logged_models", "create_logged_model"):
        monkeypatch.setattr(mlflow.MlflowClient, name, not_there)


@pytest.mark.usefixtures("_old_server")
def test_where_a_server_has_no_logged_models_the_model_is_an_artifact_of_the_run(
    run_id: str,
    prepared: PreparedDataset,
    make_compiled: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = ModelFile(path=make_compiled(), image_shape=prepared.image_shape, num_classes=10)
    for _ in range(2):
        mlflow_client.send(run_id, entry)
    assert mlflow_client.get_run(run_id).tags["record.model"].startswith("artifact 'model' of this run")
    assert [file.path for file in store().list_artifacts(run_id)] == ["model"]
    found = mlflow_models.download_model(run_id, tmp_path)
    assert keras.models.load_model(found).output_shape == (None, 10)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
    assert mlflow.keras.load_model(f"runs:/{run_id}/model").output_shape == (None, 10)


def test_a_run_without_a_model_is_told(run_id: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no model in the MLflow store.*reconcile --again"):
        mlflow_models.download_model(run_id, tmp_path)
    mlflow_client.send_now(run_id, Tags(tags={"outcome": "diverged", "reason": "NaN in epoch 2"}))
    with pytest.raises(InputError, match=rf"^run '{run_id}' diverged \(NaN in epoch 2\), so it has no model; name"):
        mlflow_models.download_model(run_id, tmp_path)


def test_a_run_that_is_deleted_in_mlflow_is_told(run_id: str, caplog: pytest.LogCaptureFixture) -> None:
    warn_if_deleted(mlflow_client.get_run(run_id))
    assert not caplog.messages
    store().delete_run(run_id)
    warn_if_deleted(mlflow_client.get_run(run_id))
    (told,) = caplog.messages
    assert told.startswith(f"Run {run_id} is deleted in MLflow: `mlflow gc` will remove its model and its predictions")


def test_whether_files_can_be_stored_is_tried_and_leaves_nothing(run_id: str, workplace: Path) -> None:
    mlflow_files.require_artifacts(run_id)
    assert store().list_artifacts(run_id) == []
    folder = workplace / "mlartifacts"
    folder.rename("elsewhere")
    folder.touch()
    with pytest.raises(InputError, match=r"cannot be stored at '.*mlartifacts.*mend the access") as told:
        mlflow_files.require_artifacts(run_id)
    assert told.value.__suppress_context__


def test_what_cannot_be_removed_is_told_and_no_fault(
    run_id: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError("forbidden")

    monkeypatch.setattr("mlflow.store.artifact.local_artifact_repo.LocalArtifactRepository.delete_artifacts", forbidden)
    with caplog.at_level("INFO", logger="tasks.tracking.mlflow_files"):
        mlflow_files.require_artifacts(run_id)
    assert "remains in the run, because it cannot be removed: PermissionError: forbidden" in caplog.text


def test_a_package_that_is_missing_refuses_for_good(experiment: str, workplace: Path) -> None:
    with contextlib.closing(sqlite3.connect(workplace / "mlflow.db")) as database, database:
        database.execute(f"UPDATE experiments SET artifact_location = 's3://b/x' WHERE experiment_id = {experiment}")  # noqa: S608
    run_id = mlflow_client.create_run(experiment, "a run", {})
    with pytest.raises(RefusedError, match="ModuleNotFoundError: No module named 'boto3'"):
        mlflow_client.send(run_id, Attachment(name="curves.png", content=b"png"))


def test_a_folder_of_artifacts_that_cannot_be_written_is_an_outage(run_id: str, workplace: Path) -> None:
    (workplace / "mlartifacts").touch()
    with pytest.raises(OutageError):
        mlflow_client.send(run_id, Attachment(name="curves.png", content=b"png"))


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


def test_a_logged_model_is_found_by_its_run_and_predicts_the_same(
    run_id: str, prepared: PreparedDataset, make_compiled: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_compiled()
    mlflow_client.send(
        run_id, ModelFile(path=path, image_shape=prepared.image_shape, num_classes=len(prepared.classes))
    )
    # As somebody who has the store and no code of ours.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
    loaded = mlflow.keras.load_model(f"runs:/{run_id}/model")
    images = np.load(prepared.directory / "images.npy")[:50]
    np.testing.assert_array_equal(loaded(images), keras.models.load_model(path)(images))
    run = store().get_run(run_id)
    (output,) = run.outputs.model_outputs
    logged: Any = store().get_logged_model(output.model_id)
    assert (logged.name, logged.source_run_id, str(logged.status)) == ("model", run_id, "READY")
    signature = mlflow.models.get_model_info(f"runs:/{run_id}/model").signature
    assert signature.inputs.inputs[0].shape == (-1, *prepared.image_shape)
    assert signature.outputs.inputs[0].shape == (-1, 10)


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://team:{}@127.0.0.1:9/mlflow",
        "postgresql://127.0.0.1:9/mlflow?user=team&password={}",
        "http://team:{}@127.0.0.1:9",
    ],
)
@pytest.mark.parametrize("secret", ["a-canary", "a-canary/of#many?parts", "of@two-canary"])
def test_a_secret_in_the_address_of_the_store_is_not_told(
    uri: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(secret))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert store_name() == uri.format("***")
    with pytest.raises(InputError, match=r"cannot be used") as told:
        mlflow_client.open_experiment("tests")
    assert uri.format("***") in str(told.value)
    # Prefect logs the whole chain of an error that ends a flow.
    assert "canary" not in "".join(traceback.format_exception(told.value))
    assert "canary" not in run_url("1", "abc")

"""The store that is opened: where it is, what is wrong with one that cannot be used, waiting for one that is away."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import mlflow
import mlflow.keras
import mlflow.store.db.utils
import pytest
from mlflow.exceptions import MlflowException

from flows.servers.server_process import free_port
from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client, mlflow_store
from tasks.tracking.mlflow_client import open_experiment
from tasks.tracking.outbox import OutageError
from tasks.tracking.outbox_entries import Tags
from tasks.tracking.store import run_url, store_name, tracking_uri
from tasks.tracking.store_outage import pause

ROOT = Path(__file__).parents[3]


def test_the_store_is_in_the_working_directory_unless_told_otherwise(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tracking_uri() == f"sqlite:///{workplace}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.org")
    assert tracking_uri() == "http://example.org"


@pytest.mark.slow
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

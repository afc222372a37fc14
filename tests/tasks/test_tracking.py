"""The record in MLflow: the store, the life of a run, and what is written into it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import mlflow
import mlflow.keras
import numpy as np
import pytest
from mlflow.entities import Run

from flows.api import free_port
from tasks import tracking
from tasks.errors import InputError
from tasks.prepared import PreparedDataset
from tasks.tracking import log_dataset, log_metrics, log_model, open_store, set_tags, tracked_run

ROOT = Path(__file__).parent.parent.parent


def store() -> mlflow.MlflowClient:
    return mlflow.MlflowClient(tracking.tracking_uri())


@pytest.fixture
def experiment(workplace: Path) -> str:
    assert workplace.is_dir()
    return open_store("tests")


def only_run(experiment: str) -> Run:
    (run,) = store().search_runs([experiment])
    return run


def test_the_store_is_in_the_working_directory_unless_told_otherwise(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tracking.tracking_uri() == f"sqlite:///{workplace}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.org")
    assert tracking.tracking_uri() == "http://example.org"


def test_an_experiment_is_made_once_and_opens_in_the_view_for_training(workplace: Path) -> None:
    experiment = open_store("tests")
    assert open_store("tests") == experiment
    found = store().get_experiment(experiment)
    assert found.name == "tests"
    assert found.tags["mlflow.experimentKind"] == "custom_model_development"
    assert found.artifact_location == (workplace / "mlartifacts").as_uri()


def test_processes_that_use_a_fresh_store_at_once_all_succeed(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tasks.tracking import open_store; "
        "print('ready', flush=True); sys.stdin.readline(); print(open_store('tests'))"
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
    experiment = open_store("tests")
    store().delete_experiment(experiment)
    with pytest.raises(InputError, match=r"experiment: 'tests' was deleted .*mlflow experiments restore.*another name"):
        open_store("tests")


@pytest.mark.usefixtures("workplace")
def test_a_server_that_is_not_there_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(InputError, match=rf"the MLflow store '{uri}' cannot be used .*start its server or mend"):
        open_store("tests")


@pytest.mark.parametrize("uri", ["nonsense://example", "sqlite:///a_file/mlflow.db"])
def test_a_store_that_cannot_be_opened_is_told(workplace: Path, uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (workplace / "a_file").touch()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(InputError, match="MLFLOW_TRACKING_URI") as error:
        open_store("tests")
    assert repr(uri) in str(error.value)


def test_a_file_that_is_no_database_is_told(workplace: Path) -> None:
    (workplace / "mlflow.db").write_text("this is no database, and long enough for SQLite to see that" * 100)
    with pytest.raises(InputError, match=r"mlflow\.db' cannot be used"):
        open_store("tests")


def test_requests_to_a_server_do_not_wait_for_minutes(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert workplace.is_dir()
    for name in ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    open_store("tests")
    assert int(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"]) <= 10
    assert int(os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"]) <= 2


def test_a_run_that_ends_is_finished_with_its_parameters_and_tags(experiment: str) -> None:
    with tracked_run(experiment, "a name", {"epochs": 3, "limit": None}, {"device": "cpu"}) as tracked:
        assert tracked.directory.is_dir()
        assert tracked.directory.name == tracked.run_id
        assert store().get_run(tracked.run_id).info.status == "RUNNING"
    run = only_run(experiment)
    assert run.info.run_id == tracked.run_id
    assert run.info.run_name == "a name"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"epochs": "3", "limit": "None"}
    assert run.data.tags["device"] == "cpu"
    assert run.data.tags["version.tensorflow"]
    assert tracked.url.startswith(f"http://127.0.0.1:5000/#/experiments/{experiment}/runs/{tracked.run_id}")
    assert not tracked.directory.exists()


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError("a reason"), "FAILED"), (KeyboardInterrupt(), "KILLED"), (SystemExit(143), "KILLED")],
)
def test_a_run_that_breaks_off_keeps_its_reason_and_its_directory(
    experiment: str, error: BaseException, status: str
) -> None:
    def broken() -> None:
        with tracked_run(experiment, "broken", {}, {}) as tracked:
            (tracked.directory / "compiled.keras").write_text("half")
            raise error

    with pytest.raises(type(error)):
        broken()
    run = only_run(experiment)
    assert run.info.status == status
    assert run.info.end_time
    assert run.data.tags["outcome"] == status.lower()
    assert run.data.tags["reason"] == f"{type(error).__name__}: {error}"
    assert (Path("runs") / run.info.run_id / "compiled.keras").read_text() == "half"


def test_a_long_reason_is_cut_and_not_refused(experiment: str) -> None:
    def broken() -> None:
        with tracked_run(experiment, "broken", {}, {}):
            raise ValueError("x" * 100_000)

    with pytest.raises(ValueError, match="xxx"):
        broken()
    run = only_run(experiment)
    assert run.info.status == "FAILED"
    assert run.data.tags["reason"].startswith("ValueError: xxx")


def test_even_a_short_run_has_a_point_of_the_system_metrics(experiment: str) -> None:
    with tracked_run(experiment, "short", {}, {}):
        pass
    metrics = only_run(experiment).data.metrics
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= set(metrics)


def test_no_run_is_active_in_mlflow(experiment: str) -> None:
    with tracked_run(experiment, "explicit", {}, {}):
        assert mlflow.active_run() is None


def test_the_page_of_a_run_is_on_the_configured_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://example.org/mlflow/")
    assert tracking._run_url("1", "abc").startswith("https://example.org/mlflow/#/experiments/1/runs/abc")


@pytest.fixture
def run_id(experiment: str) -> str:
    return str(store().create_run(experiment).info.run_id)


def test_metrics_are_written_at_their_step(run_id: str) -> None:
    before = time.time() * 1000 - 1
    for step in (1, 2):
        log_metrics(run_id, {"train/loss": step / 10}, step=step)
    points = store().get_metric_history(run_id, "train/loss")
    assert [(point.step, point.value) for point in points] == [(1, 0.1), (2, 0.2)]
    assert before <= points[0].timestamp <= time.time() * 1000


def test_tags_can_be_set_again(run_id: str) -> None:
    set_tags(run_id, {"outcome": "first", "other": "kept"})
    set_tags(run_id, {"outcome": "second"})
    tags = store().get_run(run_id).data.tags
    assert (tags["outcome"], tags["other"]) == ("second", "kept")


def test_the_dataset_is_an_input_with_its_digest(run_id: str, prepared: PreparedDataset) -> None:
    log_dataset(run_id, prepared)
    (given,) = store().get_run(run_id).inputs.dataset_inputs
    assert given.dataset.name == "digits"
    assert prepared.digest.startswith(given.dataset.digest)
    assert len(given.dataset.digest) >= 12
    assert '"train": 190' in given.dataset.profile
    assert str(prepared.directory) in given.dataset.source
    assert [(tag.key, tag.value) for tag in given.tags] == [("mlflow.data.context", "training")]


def test_a_logged_model_is_found_by_its_run_and_predicts_the_same(
    experiment: str, prepared: PreparedDataset, make_compiled: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_compiled()
    run_id = str(store().create_run(experiment).info.run_id)
    log_model(run_id, path, prepared.image_shape, len(prepared.classes))
    # As somebody who has the store and no code of ours.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.tracking_uri())
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

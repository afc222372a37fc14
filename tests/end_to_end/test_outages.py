"""MLflow or the Prefect API goes away in the middle of a run: training goes on, and in the end nothing is missing."""

from __future__ import annotations

import math
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.comparisons import learning_of, trials_of
from tests.support.prefect_api import ask
from tests.support.recorded import FILES, Recorded, recorded
from tests.support.running import Ended, Running, wait_for
from tests.support.servers import Proxy, Server, mlflow_server, prefect_server

# The first test also waits for servers, and for a training that nothing happens to.
pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]

TRAINING = ("--dataset", "digits", "--limit-examples", 300)
EPOCHS = 12
EPOCH = "Epoch time:"
AWAY, BACK = "MLflow does not take what this run records", "MLflow takes it again"


@pytest.fixture(scope="module")
def mlflow(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A tracking server."""
    server = mlflow_server(tmp_path_factory.mktemp("mlflow"), environment)
    yield server
    server.kill()


@pytest.fixture
def proxy(mlflow: Server) -> Iterator[Proxy]:
    """What stands between a training and the tracking server."""
    with Proxy(mlflow.port) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.mode = "fails"  # nothing hangs any more
        server.shutdown()


@pytest.fixture(scope="module")
def prefect(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Prefect server that no other test needs."""
    server = prefect_server(tmp_path_factory.mktemp("prefect"), environment)
    yield server
    server.kill()


@pytest.fixture
def tracked(train: Callable[..., Running], mlflow: Server) -> Callable[..., Running]:
    """Start a training that records on the tracking server."""

    def train_tracked(*arguments: object, epochs: int = EPOCHS, **changes: str) -> Running:
        mlflow.start()
        return train(*TRAINING, "--epochs", epochs, *arguments, **{"MLFLOW_TRACKING_URI": mlflow.url, **changes})

    return train_tracked


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Recorded]:
    """The training that nothing happened to, once there is one."""
    return {}


@pytest.fixture
def learning(undisturbed: dict[str, Recorded], tracked: Callable[..., Running], mlflow: Server) -> dict[str, Any]:
    """What a training learns that nothing happens to."""
    if not undisturbed:
        ended = tracked().ended()
        assert ended.status == 0, ended
        undisturbed["run"] = recorded(mlflow.url, run_id(ended))
        undisturbed["run"].assert_complete(EPOCHS)
    return undisturbed["run"].learning


def run_id(ended: Ended) -> str:
    found = re.search(r"^MLflow run +http\S+/runs/([0-9a-f]{32})", ended.out, re.MULTILINE)
    assert found, ended
    return found[1]


def said(running: Running, text: str) -> int:
    return running.out.read_text().count(text)


def says(running: Running, text: str, times: int) -> None:
    """Wait until a training that goes on has said so."""

    def enough() -> bool:
        count = said(running, text)
        assert count >= times or running.process.poll() is None, f"it ended: {running.out.read_text()}"
        return count >= times

    wait_for(enough, f"{text!r}, {times} times", seconds=200)


@contextmanager
def stopped(running: Running) -> Iterator[None]:
    """Let no epoch pass while the block waits for something else."""
    running.process.send_signal(signal.SIGSTOP)
    yield
    running.process.send_signal(signal.SIGCONT)


@pytest.mark.slow
def test_a_tracker_that_dies_hangs_and_fails_neither_stops_training_nor_leaves_gaps(
    *,
    tracked: Callable[..., Running],
    mlflow: Server,
    proxy: Proxy,
    learning: dict[str, Any],
    tmp_path: Path,
) -> None:
    patience = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "1", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    running = tracked(epochs=150, MLFLOW_TRACKING_URI=proxy.url, **patience)
    running.printed(EPOCH)

    @contextmanager
    def dead() -> Iterator[None]:
        mlflow.kill()
        yield
        with stopped(running):
            mlflow.start()

    outages = [dead(), proxy.out_of_order("hangs"), proxy.out_of_order("fails")]
    for number, outage in enumerate(outages, start=1):
        with outage:
            says(running, AWAY, number)
            says(running, EPOCH, said(running, EPOCH) + 3)
            assert said(running, BACK) == number - 1
        says(running, BACK, number)
    assert said(running, EPOCH) < 150  # all of it came and went while training
    ended = running.ended()

    assert (ended.status, ended.err, ended.left) == (0, "", [])
    assert len(re.findall("^Test accuracy ", ended.out, re.MULTILINE)) == 1
    run = recorded(mlflow.url, run_id(ended))
    run.assert_complete(150)
    for name in ("train/loss", "train/accuracy", "validation/loss", "validation/accuracy", "learning_rate"):
        assert run.learning[name][:EPOCHS] == learning[name], name
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.slow
def test_a_tracker_that_stays_away_gets_all_of_it_when_it_is_back(
    *,
    tracked: Callable[..., Running],
    start: Callable[..., Running],
    mlflow: Server,
    prefect_api: str,
    learning: dict[str, Any],
    tmp_path: Path,
) -> None:
    running = tracked()
    running.printed(EPOCH)
    mlflow.kill()
    before = said(running, EPOCH)
    ended = running.ended()
    assert before < said(running, EPOCH) == EPOCHS
    assert (ended.status, ended.err, ended.left) == (0, "", [])
    assert len(re.findall("^Test accuracy ", ended.out, re.MULTILINE)) == 1
    (kept,) = [line for line in ended.out.splitlines() if line.startswith("MLflow does not have all of this run yet")]
    assert re.search(r"The rest is kept in \S+, and sent when .*, or by: .*python -m flows reconcile$", kept)

    mlflow.start()
    assert recorded(mlflow.url, run_id(ended)).run.info.status == "RUNNING"
    for answer in (f"Sent to MLflow what run {run_id(ended)} had kept for it.\n", "Nothing to close: .*\n"):
        sent = start(*("-m", "flows", "reconcile"), MLFLOW_TRACKING_URI=mlflow.url, PREFECT_API_URL=prefect_api).ended()
        assert (sent.status, sent.err, sent.left) == (0, "", [])
        assert re.fullmatch(answer, sent.out)
    run = recorded(mlflow.url, run_id(ended))
    run.assert_complete(EPOCHS)
    assert run.learning == learning
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.slow
def test_what_a_gateway_refuses_is_told_and_sent_once_it_is_taken(
    *,
    tracked: Callable[..., Running],
    start: Callable[..., Running],
    mlflow: Server,
    proxy: Proxy,
    prefect_api: str,
    tmp_path: Path,
) -> None:
    proxy.most = 200_000  # than which the model alone is larger
    ended = tracked(epochs=2, MLFLOW_TRACKING_URI=proxy.url).ended()
    assert (ended.status, ended.err, ended.left) == (1, "", []), ended
    assert len(re.findall("^Test accuracy ", ended.out, re.MULTILINE)) == 1
    told = r"^The record is not whole\. MLflow refused to record model \(HTTPError: 413.*reconcile --again"
    assert re.search(told, ended.out, re.MULTILINE)
    run = recorded(mlflow.url, run_id(ended)).run
    assert (run.info.status, run.data.tags["record.missing"]) == ("FINISHED", "model")
    assert "test_accuracy" in run.data.metrics

    here = {"MLFLOW_TRACKING_URI": proxy.url, "PREFECT_API_URL": prefect_api}
    assert start("-m", "flows", "reconcile", **here).ended().out.startswith("Nothing to close")
    proxy.most = math.inf
    sent = start("-m", "flows", "reconcile", "--again", **here).ended()
    assert (sent.status, sent.err, sent.left) == (0, "", [])
    assert sent.out == f"Sent to MLflow what run {run_id(ended)} had kept for it.\n"
    recorded(mlflow.url, run_id(ended)).assert_complete(2)
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.slow
def test_a_server_without_logged_models_gets_the_model_as_an_artifact(
    tracked: Callable[..., Running], mlflow: Server, proxy: Proxy, tmp_path: Path
) -> None:
    proxy.absent = "logged-models"
    ended = tracked(epochs=1, MLFLOW_TRACKING_URI=proxy.url).ended()
    assert (ended.status, ended.err, ended.left) == (0, "", []), ended
    run = recorded(mlflow.url, run_id(ended))
    assert run.run.info.status == "FINISHED"
    assert run.run.data.tags["record.model"].startswith("artifact 'model' of this run")
    assert run.files == sorted([*FILES, "model"])
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.slow
def test_a_prefect_api_that_is_back_after_20_seconds_knows_the_run_as_completed(
    tracked: Callable[..., Running], mlflow: Server, prefect: Server, learning: dict[str, Any], tmp_path: Path
) -> None:
    prefect.start()
    running = tracked(PREFECT_API_URL=f"{prefect.url}/api")
    running.printed(EPOCH)
    prefect.kill()
    back = time.monotonic() + 20
    assert said(running, EPOCH) < EPOCHS
    wait_for(lambda: time.monotonic() > back, "the outage to have its length")
    prefect.start()
    ended = running.ended()

    assert (ended.status, ended.err, ended.left) == (0, "", [])
    run = recorded(mlflow.url, run_id(ended))
    run.assert_complete(EPOCHS)
    assert run.learning == learning
    assert list((tmp_path / "runs").iterdir()) == []
    flow_run = {"id": {"any_": [run.run.data.tags["prefect.flow_run_id"]]}}
    for kind, number in (("flow_runs", 1), ("task_runs", 7)):
        found = ask("POST", f"{prefect.url}/api/{kind}/filter", {"flow_runs": flow_run})
        assert [each["state_type"] for each in found] == ["COMPLETED"] * number, found


@pytest.mark.slow
def test_a_prefect_api_that_stays_away_costs_nothing_but_its_own_record(
    tracked: Callable[..., Running], mlflow: Server, prefect: Server, learning: dict[str, Any], tmp_path: Path
) -> None:
    prefect.start()
    running = tracked(PREFECT_API_URL=f"{prefect.url}/api", PREFECT_CLIENT_MAX_RETRIES="1")
    running.printed(EPOCH)
    prefect.kill()
    ended = running.ended()

    assert (ended.status, ended.err, ended.left) == (0, "", [])
    assert len(re.findall("^Test accuracy ", ended.out, re.MULTILINE)) == 1
    assert len(re.findall("^The Prefect API fails .* MLflow has all of it.$", ended.out, re.MULTILINE)) == 1
    run = recorded(mlflow.url, run_id(ended))
    run.assert_complete(EPOCHS)
    assert run.learning == learning
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.slow
def test_trials_that_begin_while_the_tracker_is_away_wait_for_it(
    compare: Callable[..., Running], mlflow: Server
) -> None:
    mlflow.start()
    trials = ("--optimizers", "sgd,adam", "--learning-rates", 0.01, "--epochs", 2, "--seeds", 4, "--looks", "none")
    running = compare(*TRAINING, *trials, MLFLOW_TRACKING_URI=mlflow.url, MLFLOW_HTTP_REQUEST_MAX_RETRIES="0")
    running.printed("Trial 1 of 8")
    mlflow.kill()
    running.printed("The MLflow store .* does not answer")
    back = time.monotonic() + 20  # three trials after each other would have failed by then
    wait_for(lambda: time.monotonic() > back, "the outage to have its length")
    mlflow.start()
    ended = running.ended()

    assert (ended.status, ended.err, ended.left) == (0, "", []), ended
    study = run_id(ended)
    assert len(learning_of(mlflow.url, study)) == 8
    assert {run.info.status for run in trials_of(mlflow.url, study)} == {"FINISHED"}
    assert recorded(mlflow.url, study).run.info.status == "FINISHED"
    assert not re.search(r"Trial \d of 8 failed", ended.out)

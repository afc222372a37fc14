"""What processes that are gone have left open is closed, and nothing else is touched."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from mlflow.entities import Run
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.settings import get_current_settings

from flows.lifecycle.crashed_flow_runs import claim_tag
from flows.lifecycle.reconcile import reconcile
from tasks.tracking import mlflow_client
from tasks.tracking.claim import SETTLED, lock_path
from tasks.tracking.mlflow_client import open_experiment
from tasks.tracking.outbox import OutageError
from tasks.tracking.outbox_entries import Entry, Metrics
from tasks.tracking.refused_entries import RefusedError
from tasks.tracking.store import LATE_IMPORTS
from tasks.tracking.stored_run import DIRECTORY_TAG, HOST_TAG, PROCESS_TAG
from tests.support.forks import Forks
from tests.support.log import own_messages
from tests.support.store import store

TRAIN = """
from flows.parameters.train import TrainParameters
from flows.train import run_train
tiny = {"dataset": "digits", "image_size": 16, "limit_examples": 100, "epochs": 2, "device": "cpu"}
run_train(TrainParameters(**tiny, experiment="tests"))
"""
RECORD = """
import os, socket, time
from tasks.tracking import outbox, record
from tasks.tracking import mlflow_client
from tasks.tracking.claim import claim
from tasks.tracking.outbox import OutageError
from tasks.tracking.run import tracked_run

def outage(*_):
    raise OutageError("nobody answers")

def mlflow_has_all(directory):
    if mlflow_client.send is outage:
        return True
    mark, kept = directory / outbox.MARK, (directory / outbox.JOURNAL).read_bytes().count(b"\\n")
    return mark.exists() and mark.read_text() == f"{kept}\\n"

BEFORE
experiment = mlflow_client.open_experiment("tests")
with claim() as claimed, tracked_run(claimed, experiment, "a name", {"epochs": "3"}, {}) as run:
    record.log_metrics(run.run_id, {"train/loss": 0.25}, step=1)
    deadline = time.monotonic() + 60
    while not mlflow_has_all(run.directory):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    print("recorded", flush=True)
    THEN
"""
AWAY = "mlflow_client.send = outage; from tasks.tracking import run_ending; run_ending.SEND_SECONDS = 0.1"
KILLED, LIVES = "os.kill(os.getpid(), 9)", "time.sleep(1000)"

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.fixture(scope="module")
def forks(prefect_server: None) -> Iterator[Forks]:
    assert prefect_server is None
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    url = str(get_current_settings().api.url)
    with Forks(
        "flows.train",
        "tasks.fit",
        "tasks.evaluate",
        "sklearn.datasets",
        *LATE_IMPORTS,
        "prefect.task_engine",
        environment={**environment, "PREFECT_API_URL": url},
    ) as forks:
        yield forks


def recording(then: str, before: str = "") -> str:
    """Code that starts a run, records a point, and ends or stays as ``then`` says."""
    return RECORD.replace("THEN", then).replace("BEFORE", before)


def dead_run(forks: Forks, workplace: Path, before: str = "", **environment: str) -> None:
    """Leave what a process leaves that is killed in the middle of a run."""
    status = forks.run(recording(KILLED, before), workplace, **environment)
    assert status == -signal.SIGKILL, (workplace / "output").read_text()


def wait_until_it_records(workplace: Path) -> None:
    output = workplace / "output"
    deadline = time.monotonic() + 60
    while not output.exists() or "recorded" not in output.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def only_run() -> Run:
    (run,) = store().search_runs([open_experiment("tests")])
    return run


def only_directory() -> Path:
    (lock,) = Path("runs").absolute().glob("*.lock")
    return lock.with_suffix("")


def tagged(tag: str) -> FlowRunFilter:
    return FlowRunFilter(tags=FlowRunFilterTags(any_=[tag]))


def flow_runs(wanted: FlowRunFilter) -> tuple[list[FlowRun], list[TaskRun]]:
    with get_client(sync_client=True) as prefect:
        found = prefect.read_flow_runs(flow_run_filter=wanted)
        these = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run.id for flow_run in found]))
        return found, prefect.read_task_runs(flow_run_filter=these) if found else []


def state_of(flow_run_id: UUID) -> str:
    with get_client(sync_client=True) as prefect:
        return str(prefect.read_flow_run(flow_run_id).state_name)


def made_by_hand(**tags: Any) -> str:
    run: Run = store().create_run(open_experiment("tests"), tags={name: str(value) for name, value in tags.items()})
    return str(run.info.run_id)


def status(run_id: str) -> str:
    return str(store().get_run(run_id).info.status)


def test_the_run_of_a_dead_process_is_closed_at_its_last_sign_of_life(forks: Forks, workplace: Path) -> None:
    dead_run(forks, workplace)
    before = only_run()
    assert before.info.status == "RUNNING"
    directory = only_directory()
    died = time.time() - 3600
    for number, path in enumerate(sorted(path for path in directory.rglob("*"))):
        os.utime(path, (died - number, died - number))

    (told,) = reconcile()
    run = only_run()
    assert run.info.status == "FAILED"
    assert run.info.end_time == pytest.approx(died * 1000, abs=2)
    tags = run.data.tags
    assert tags["outcome"] == "failed"
    assert tags["reason"] == f"its process {tags[PROCESS_TAG]} on host {tags[HOST_TAG]} is gone, without a word"
    assert run.info.run_id in told
    assert f"python -m flows train --resume {run.info.run_id}" in told
    assert run.data.metrics["train/loss"] == 0.25
    assert (directory / "run.json").is_file()  # kept for resuming
    assert (directory / SETTLED).exists()

    assert reconcile() == []
    assert only_run().to_dictionary() == run.to_dictionary()


def test_flow_run_and_task_runs_of_a_dead_process_crash(forks: Forks, workplace: Path) -> None:
    assert forks.run(TRAIN, workplace, CRASH_AT="epoch_trained:2") == -signal.SIGKILL
    named = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(only_run().data.tags["prefect.flow_run_id"])]))
    ((flow_run,), before) = flow_runs(named)
    assert flow_run.state_name == "Running"
    assert flow_runs(tagged(claim_tag(only_directory())))[0] == []  # by which it was found before there was a run
    assert {task_run.name.rpartition("-")[0] for task_run in before} >= {"fit_model"}

    assert f"Closed run {only_run().info.run_id}" in reconcile()[-1]  # after what had not been sent, if anything
    assert only_run().info.status == "FAILED"
    assert [point.step for point in store().get_metric_history(only_run().info.run_id, "train/loss")] == [1]
    ((flow_run,), task_runs) = flow_runs(named)
    assert flow_run.state
    assert (flow_run.state.name, flow_run.state.message) == ("Crashed", "Its process is gone, without a word.")
    states = {task_run.name.rpartition("-")[0]: task_run.state_name for task_run in task_runs}
    assert states.pop("fit_model") == "Crashed"
    was_running = {task_run.id for task_run in before if task_run.state_name != "Completed"}
    assert {task_run.state_name for task_run in task_runs if task_run.id in was_running} == {"Crashed"}
    assert "Completed" in states.values()  # what was done stays done

    assert reconcile() == []
    assert flow_runs(named)[0][0].state_name == "Crashed"


def test_a_flow_run_without_a_run_in_mlflow_is_closed_too(forks: Forks, workplace: Path) -> None:
    assert forks.run(TRAIN, workplace, CRASH_AT="flow_run_created") == -signal.SIGKILL
    tag = tagged(claim_tag(only_directory()))
    assert [str(flow_run.state_name) for flow_run in flow_runs(tag)[0]] == ["Pending"]
    assert reconcile() == []  # nothing that a person could go on with
    assert [flow_run.state_name for flow_run in flow_runs(tag)[0]] == ["Crashed"]
    assert list(Path("runs").iterdir()) == []


def test_a_live_run_is_left_alone_until_its_process_is_gone(forks: Forks, workplace: Path) -> None:
    pid = forks.start(recording(LIVES), workplace)
    wait_until_it_records(workplace)
    before, files = only_run(), sorted(Path("runs").rglob("*"))
    assert reconcile() == []
    assert reconcile(host=before.data.tags[HOST_TAG]) == []
    assert (only_run().info.status, only_run().data.tags) == ("RUNNING", before.data.tags)
    assert sorted(Path("runs").rglob("*")) == files

    os.kill(pid, signal.SIGKILL)
    assert forks.status(pid) == -signal.SIGKILL
    assert len(reconcile()) == 1
    assert only_run().info.status == "FAILED"


def test_where_its_directory_is_here_the_lock_says_who_lives_whatever_the_host_was_called(
    forks: Forks, workplace: Path
) -> None:
    pid = forks.start(recording(LIVES, 'socket.gethostname = lambda: "elsewhere"'), workplace)
    wait_until_it_records(workplace)
    assert reconcile() == []
    assert only_run().info.status == "RUNNING"

    os.kill(pid, signal.SIGKILL)
    assert forks.status(pid) == -signal.SIGKILL
    (told,) = reconcile()
    assert "on host elsewhere is gone" in told
    assert only_run().info.status == "FAILED"


def test_a_run_of_another_host_is_left_alone_unless_that_is_gone(forks: Forks, workplace: Path) -> None:
    dead_run(forks, workplace, 'socket.gethostname = lambda: "elsewhere"')
    shutil.rmtree("runs")
    assert reconcile() == []
    assert reconcile(host="somewhere") == []
    assert only_run().info.status == "RUNNING"
    (told,) = reconcile(host="elsewhere")
    assert "on host elsewhere is gone" in told
    assert only_run().info.status == "FAILED"
    assert reconcile(host="elsewhere") == []


def test_a_directory_that_was_moved_with_its_working_directory_is_looked_after(forks: Forks, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    shutil.copy(tmp_path / "mlflow.db", before)
    dead_run(forks, before)
    before.rename(after)
    with contextlib.chdir(after):
        told = reconcile()
        assert f"Closed run {only_run().info.run_id}" in "".join(told)
        assert "A copy?" not in "".join(told)
        assert only_run().info.status == "FAILED"


@pytest.mark.parametrize("name", ["{}-copy", "0" * 32])
def test_a_copy_of_a_directory_is_told_once_and_left_alone(forks: Forks, workplace: Path, name: str) -> None:
    dead_run(forks, workplace)
    directory = only_directory()
    copy = directory.with_name(name.format(directory.name))
    (directory / "checkpoints").mkdir()
    (directory / "checkpoints" / "one.npz").write_bytes(b"weights")
    shutil.copytree(directory, copy)
    shutil.copy(lock_path(directory), lock_path(copy))
    told = reconcile()
    assert [str(copy) in line for line in told].count(True) == 1
    assert f"Closed run {only_run().info.run_id}" in "".join(told)
    assert only_run().info.status == "FAILED"
    for each in (directory, copy):
        assert (each / "checkpoints" / "one.npz").read_bytes() == b"weights"
        assert (each / "run.json").read_bytes() == (directory / "run.json").read_bytes()


def test_a_copy_of_a_working_directory_does_not_close_what_lives_in_the_original(
    forks: Forks, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{workplace / 'mlflow.db'}")
    pid = forks.start(recording(LIVES), workplace)
    wait_until_it_records(workplace)
    (workplace / "copied").mkdir()
    shutil.copytree("runs", workplace / "copied" / "runs")
    with contextlib.chdir(workplace / "copied"):
        (told,) = reconcile()
    assert "A copy?" in told
    assert only_run().info.status == "RUNNING"
    os.kill(pid, signal.SIGKILL)
    assert forks.status(pid) == -signal.SIGKILL


def broken(kind: str) -> Path:
    """Make something below ``runs/`` that cannot be looked after, and return its directory."""
    directory = Path("runs", "0" * 32 if kind != "a foreign name" else "it's 100% mine").absolute()
    lock = lock_path(directory)
    if kind == "a lock that cannot be opened":
        lock.mkdir()
    else:
        lock.touch()
    if kind == "a directory that is a file":
        directory.touch()
    else:
        directory.mkdir()
    if kind == "a file that cannot be read":
        (directory / "run.json").mkdir()
    return directory


@pytest.mark.parametrize(
    "kind",
    ["a lock that cannot be opened", "a directory that is a file", "a foreign name", "a file that cannot be read"],
)
def test_one_broken_directory_is_told_and_passed_over(forks: Forks, workplace: Path, kind: str) -> None:
    dead_run(forks, workplace)
    directory = broken(kind)
    told = reconcile()
    assert len([line for line in told if str(directory) in line]) == 1
    assert not [line for line in told if "\n" in line]
    assert only_run().info.status == "FAILED"
    assert directory.exists()


@pytest.mark.usefixtures("prefect_server")
def test_a_record_without_what_is_expected_is_passed_over() -> None:
    here = {HOST_TAG: socket.gethostname(), DIRECTORY_TAG: Path("runs", "0" * 32).absolute()}
    without_process = made_by_hand(**here)
    no_number = made_by_hand(**here, **{PROCESS_TAG: "7;"})
    nowhere = made_by_hand(**{DIRECTORY_TAG: "'"})
    assert reconcile() == []
    assert {status(run_id) for run_id in (without_process, no_number, nowhere)} == {"RUNNING"}


def test_what_prefect_cannot_give_back_is_told_and_its_run_is_closed(
    forks: Forks, workplace: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    dead_run(forks, workplace)

    def fails(*_: Any, **__: Any) -> None:
        request = httpx.Request("POST", "http://example.org/api/flow_runs/filter")
        raise httpx.HTTPStatusError("error 500", request=request, response=httpx.Response(500, request=request))

    monkeypatch.setattr(SyncPrefectClient, "read_flow_runs", fails)
    (told,) = reconcile()
    assert only_run().info.run_id in told
    assert only_run().info.status == "FAILED"
    assert "Prefect may show as running what is not: HTTPStatusError: error 500" in own_messages(caplog)


@pytest.mark.usefixtures("prefect_server")
def test_without_files_it_is_the_number_of_the_process_that_says_who_lives(forks: Forks, workplace: Path) -> None:
    host = socket.gethostname()
    gone = forks.start("", workplace)
    assert forks.status(gone) == 0
    nowhere = workplace / "runs" / "deleted"
    live = made_by_hand(**{HOST_TAG: host, PROCESS_TAG: os.getpid(), DIRECTORY_TAG: nowhere})
    dead = made_by_hand(**{HOST_TAG: host, PROCESS_TAG: gone, DIRECTORY_TAG: nowhere})
    (told,) = reconcile()
    assert dead in told
    assert (status(live), status(dead)) == ("RUNNING", "FAILED")
    assert store().get_run(dead).info.end_time == pytest.approx(time.time() * 1000, abs=60_000)


@pytest.mark.usefixtures("prefect_server")
def test_a_run_of_another_program_is_left_alone() -> None:
    foreign = made_by_hand(owner="somebody")
    with_a_host = made_by_hand(**{HOST_TAG: socket.gethostname()})
    assert reconcile() == []
    assert (status(foreign), status(with_a_host)) == ("RUNNING", "RUNNING")


def test_what_a_dead_process_did_not_send_is_sent(forks: Forks, workplace: Path) -> None:
    dead_run(forks, workplace, "mlflow_client.send = outage")
    run_id = only_run().info.run_id
    assert only_run().data.metrics == {}
    sent, closed = reconcile()
    assert sent == f"Sent to MLflow what run {run_id} had kept for it."
    assert run_id in closed
    run = only_run()
    assert run.info.status == "FAILED"
    assert run.data.params == {"epochs": "3"}
    assert [(point.step, point.value) for point in store().get_metric_history(run_id, "train/loss")] == [(1, 0.25)]
    assert reconcile() == []


def test_the_end_that_a_process_could_not_send_is_the_end(forks: Forks, workplace: Path) -> None:
    assert forks.run(recording("pass", AWAY), workplace) == 0
    assert only_run().info.status == "RUNNING"
    (sent,) = reconcile()
    assert sent.startswith("Sent to MLflow what run")
    assert only_run().info.status == "FINISHED"
    assert only_run().data.metrics["train/loss"] == 0.25
    assert "reason" not in only_run().data.tags
    assert list(Path("runs").iterdir()) == []


def test_what_mlflow_refused_is_kept_and_sent_when_somebody_asks_for_that(forks: Forks, workplace: Path) -> None:
    refusing = """
from tasks.tracking.outbox_entries import Metrics
from tasks.tracking.refused_entries import RefusedError
send = mlflow_client.send
def refuse(run_id, entry):
    if isinstance(entry, Metrics) and "train/loss" in entry.metrics:
        raise RefusedError("413")
    send(run_id, entry)
mlflow_client.send = refuse
"""
    assert forks.run(recording("pass", refusing), workplace) == 0
    assert (only_run().info.status, only_run().data.tags["record.missing"]) == ("FINISHED", "metrics of step 1")
    kept = sorted(Path("runs").rglob("*"))
    assert reconcile() == []  # no later start waits for it
    assert sorted(Path("runs").rglob("*")) == kept
    (sent,) = reconcile(again=True)
    assert sent.startswith("Sent to MLflow what run")
    assert only_run().data.metrics["train/loss"] == 0.25
    assert only_run().data.tags["record.missing"] == "nothing"
    assert list(Path("runs").iterdir()) == []
    assert reconcile(again=True) == []


def test_what_mlflow_refuses_when_a_dead_run_is_closed_is_kept(
    forks: Forks, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert forks.run(recording("pass", AWAY), workplace) == 0
    send = mlflow_client.send

    def refuse(run_id: str, entry: Entry) -> None:
        if isinstance(entry, Metrics) and "train/loss" in entry.metrics:
            raise RefusedError("413")
        send(run_id, entry)

    with monkeypatch.context() as patch:
        patch.setattr(mlflow_client, "send", refuse)
        (told,) = reconcile()
    assert told.startswith("MLflow refused to record metrics of step 1 (413). It is kept in ")
    assert only_run().info.status == "FINISHED"
    assert len(reconcile(again=True)) == 1
    assert only_run().data.metrics["train/loss"] == 0.25
    assert list(Path("runs").iterdir()) == []


def test_an_outage_leaves_all_as_it_is_until_it_is_over(
    forks: Forks, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def outage(*_: Any) -> None:
        raise OutageError("nobody answers")

    dead_run(forks, workplace, "mlflow_client.send = outage")
    with monkeypatch.context() as patch:
        patch.setattr("tasks.tracking.mlflow_client.send", outage)
        patch.setattr("tasks.tracking.run_ending.SEND_SECONDS", 0.1)
        (told,) = reconcile()
    assert "MLflow does not take what run" in told
    assert "nobody answers" in told
    assert only_run().info.status == "RUNNING"
    assert len(reconcile()) == 2
    assert only_run().info.status == "FAILED"


def test_a_directory_of_another_store_is_left_alone(
    forks: Forks, workplace: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(empty_store, workplace / "other.db")
    uri = f"sqlite:///{workplace}/other.db"
    dead_run(forks, workplace, MLFLOW_TRACKING_URI=uri)
    files = sorted(Path("runs").rglob("*"))
    assert reconcile() == []
    assert sorted(Path("runs").rglob("*")) == files
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert only_run().info.status == "RUNNING"
    assert len(reconcile()) == 1
    assert only_run().info.status == "FAILED"


@pytest.mark.parametrize("content", [b"", b"{", b"{}"])
def test_a_run_whose_file_is_damaged_is_closed_and_its_files_are_kept(
    forks: Forks, workplace: Path, content: bytes
) -> None:
    dead_run(forks, workplace)
    directory = only_directory()
    (directory / "run.json").write_bytes(content)
    (directory / "checkpoints").mkdir()
    (directory / "checkpoints" / "one.npz").write_bytes(b"weights")
    closed, kept = reconcile()
    assert only_run().info.run_id in closed
    assert str(directory) in kept
    assert only_run().info.status == "FAILED"
    assert (directory / "checkpoints" / "one.npz").read_bytes() == b"weights"
    assert reconcile() == []


@pytest.mark.usefixtures("prefect_server")
def test_a_run_whose_directory_was_deleted_is_closed_by_its_lock(forks: Forks, workplace: Path) -> None:
    dead_run(forks, workplace)
    shutil.rmtree(only_directory())
    (told,) = reconcile()
    assert only_run().info.run_id in told
    assert only_run().info.status == "FAILED"
    assert list(Path("runs").iterdir()) == []


@pytest.mark.usefixtures("prefect_server")
def test_what_a_process_left_that_was_killed_while_it_deleted_is_deleted(forks: Forks, workplace: Path) -> None:
    assert forks.run(recording("pass"), workplace, CRASH_AT="directory_renamed") == -signal.SIGKILL
    directory = only_directory()
    assert sorted(path.name for path in Path("runs").iterdir()) == [
        f"{directory.name}.finished",
        f"{directory.name}.lock",
    ]
    assert reconcile() == []
    assert list(Path("runs").iterdir()) == []
    assert only_run().info.status == "FINISHED"

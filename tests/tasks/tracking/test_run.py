"""The life of a run: how it starts or goes on, how it ends, and what is left of it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Run

from tasks.foundation.commands import command
from tasks.foundation.errors import InputError, RecordError, StorageError, StoreAwayError
from tasks.tracking import mlflow_client, run_ending, system_metrics
from tasks.tracking import run as run_module
from tasks.tracking.claim import SETTLED, Claim, claim, unsettled
from tasks.tracking.outbox import JOURNAL, OutageError, Outbox
from tasks.tracking.outbox_entries import Attachment, Entry
from tasks.tracking.record import log_metrics, log_text
from tasks.tracking.refused_entries import RefusedError, refused_directories
from tasks.tracking.run import (
    TrackedRun,
    last_sign_of_life,
    resumable,
    tracked_run,
)
from tasks.tracking.run_ending import send_what_is_left
from tasks.tracking.run_file import RUN_FILE, read_run_file
from tasks.tracking.store import tracking_uri
from tests.support.store import store


@pytest.fixture
def experiment(workplace: Path) -> str:
    assert workplace.is_dir()
    return mlflow_client.open_experiment("tests")


def only_run(experiment: str) -> Run:
    (run,) = store().search_runs([experiment])
    return run


def out(_run_id: str, _entry: Entry) -> None:
    raise OutageError("nobody there")


@contextmanager
def tracked(experiment: str, resumed: str | None = None) -> Iterator[tuple[Claim, TrackedRun]]:
    directory = resumable(resumed)[0] if resumed else None
    parameters = {"epochs": 3, "limit": None}
    with (
        claim(directory) as claimed,
        tracked_run(claimed, experiment, "a name", parameters, {"device": "cpu"}, resumed=resumed) as run,
    ):
        yield claimed, run


def broken_off(experiment: str, error: BaseException, resumed: str | None = None) -> Run:
    def broken() -> None:
        with tracked(experiment, resumed) as (_, run):
            log_metrics(run.run_id, {"train/loss": 0.5}, step=1)
            raise error

    with pytest.raises(type(error)):
        broken()
    return only_run(experiment)


def test_a_run_that_ends_is_finished_with_its_parameters_and_tags(experiment: str) -> None:
    with tracked(experiment) as (claimed, going_on):
        assert claimed.state == "open"
        assert going_on.directory == claimed.directory
        assert store().get_run(going_on.run_id).info.status == "RUNNING"
        assert mlflow.active_run() is None
    run = only_run(experiment)
    assert (run.info.run_id, run.info.run_name, run.info.status) == (going_on.run_id, "a name", "FINISHED")
    assert run.data.params == {"epochs": "3", "limit": "None"}
    assert run.data.tags["device"] == "cpu"
    assert run.data.tags["version.tensorflow"]
    assert run.data.tags["run.directory"] == str(claimed.directory)
    assert going_on.url.startswith(f"http://127.0.0.1:5000/#/experiments/{experiment}/runs/{going_on.run_id}")
    assert claimed.state == "finished"
    assert list(Path("runs").iterdir()) == []


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("a reason"), "FAILED", "ValueError: a reason"),
        (KeyboardInterrupt(), "KILLED", "KeyboardInterrupt"),
        (StoreAwayError("no answer"), "KILLED", "StoreAwayError: no answer"),  # an outage is no fault of the run
        (SystemExit(143), "KILLED", "SystemExit: 143"),
    ],
)
def test_a_run_that_breaks_off_keeps_its_reason_and_its_files(
    experiment: str, error: BaseException, status: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    run = broken_off(experiment, error)
    assert (run.info.status, run.data.tags["outcome"], run.data.tags["reason"]) == (status, status.lower(), reason)
    assert run.info.end_time
    assert run.data.metrics["train/loss"] == 0.5
    directory = Path(run.data.tags["run.directory"])
    assert (directory / SETTLED).exists()
    assert read_run_file(directory).run_id == run.info.run_id
    assert f"Go on with it: {command('train', '--resume', run.info.run_id)}" in caplog.text


def test_a_run_goes_on_in_the_same_run(experiment: str) -> None:
    first = broken_off(experiment, KeyboardInterrupt())
    with tracked(experiment, first.info.run_id) as (_, run):
        going_on = only_run(experiment)
        assert (run.run_id, going_on.info.status) == (first.info.run_id, "RUNNING")
        assert {"outcome", "reason"}.isdisjoint(going_on.data.tags)
        log_metrics(run.run_id, {"train/loss": 0.25}, step=1)  # which it had
        log_metrics(run.run_id, {"train/loss": 0.125}, step=2)
    run = only_run(experiment)
    assert run.info.status == "FINISHED"
    history = store().get_metric_history(run.info.run_id, "train/loss")
    assert [(point.step, point.value) for point in history] == [(1, 0.5), (2, 0.125)]
    system = store().get_metric_history(run.info.run_id, "system/cpu_utilization_percentage")
    assert [point.step for point in system] == [0, 1]
    assert list(Path("runs").iterdir()) == []


def test_even_a_short_run_has_a_point_of_the_system_metrics(experiment: str) -> None:
    with tracked(experiment):
        pass
    metrics = only_run(experiment).data.metrics
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= set(metrics)


def test_what_cannot_be_sent_is_kept_and_told_and_sent_later(
    experiment: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(run_ending, "SEND_SECONDS", 0.2)
    with monkeypatch.context() as patched:
        patched.setattr(mlflow_client, "send", out)
        with tracked(experiment) as (claimed, run):
            log_metrics(run.run_id, {"train/loss": 0.5}, step=1)
    assert claimed.state == "open"
    assert "MLflow does not have all of this run yet (nobody there)" in caplog.text
    assert command("reconcile") in caplog.text
    assert only_run(experiment).info.status == "RUNNING"
    monkeypatch.setattr(run_ending, "SEND_SECONDS", 20)
    assert send_what_is_left(claimed.directory, run.run_id)
    assert not send_what_is_left(claimed.directory, run.run_id)
    finished = only_run(experiment)
    assert (finished.info.status, finished.data.metrics["train/loss"]) == ("FINISHED", 0.5)


@pytest.mark.parametrize(("error", "status"), [(ValueError("a reason"), "FAILED"), (KeyboardInterrupt(), "KILLED")])
def test_an_outage_at_the_end_does_not_hide_what_ended_the_run(
    experiment: str,
    error: BaseException,
    status: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    waited: list[float] = []
    close = Outbox.close

    def closing(outbox: Outbox, seconds: float) -> None:
        waited.append(seconds)
        close(outbox, seconds)

    with monkeypatch.context() as patched:
        patched.setattr(run_ending, "SEND_SECONDS", 0.2)
        patched.setattr(run_ending, "INTERRUPTED_SEND_SECONDS", 0.1)
        patched.setattr(Outbox, "close", closing)
        patched.setattr(mlflow_client, "send", out)
        run = broken_off(experiment, error)
    assert waited == [0.2 if status == "FAILED" else 0.1]
    assert "MLflow does not have all of this run yet (nobody there)" in caplog.text
    assert run.info.status == "RUNNING"
    directory = Path(run.data.tags["run.directory"])
    assert unsettled() == [directory]
    assert send_what_is_left(directory, run.info.run_id)
    ended = only_run(experiment)
    assert (ended.info.status, ended.data.tags["outcome"]) == (status, status.lower())
    assert ended.data.tags["reason"].startswith(type(error).__name__)
    assert ended.data.metrics["train/loss"] == 0.5


def test_a_refusal_does_not_hide_what_ended_the_run(experiment: str, caplog: pytest.LogCaptureFixture) -> None:
    def refused() -> None:
        with tracked(experiment) as (_, run):
            log_metrics(run.run_id, {"no?name": 0.5}, step=1)
            raise ValueError("a reason")

    with pytest.raises(ValueError, match="a reason"):
        refused()
    run = only_run(experiment)
    assert (run.info.status, run.data.tags["reason"]) == ("FAILED", "ValueError: a reason")
    assert "MLflow refused to record metrics of step 1 (MlflowException" in caplog.text
    assert unsettled() == []


def test_there_is_no_run_without_a_file_that_says_what_it_was_started_with(
    experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(mlflow_client, "create_run", killed)
        with pytest.raises(KeyboardInterrupt), tracked(experiment):
            pass
    (directory,) = unsettled()
    file = read_run_file(directory)
    assert (file.store, file.run_id, file.parameters) == (
        tracking_uri(),
        None,
        {"epochs": 3, "limit": None},
    )


def test_a_refusal_is_told_in_the_run_and_kept(experiment: str) -> None:
    with tracked(experiment) as (claimed, going_on):
        log_metrics(going_on.run_id, {"no?name": 0.5}, step=1)
        log_metrics(going_on.run_id, {"train/loss": 0.5}, step=1)
    assert claimed.missing.startswith("MLflow refused to record metrics of step 1 (MlflowException")
    run = only_run(experiment)
    assert (run.info.status, run.data.metrics["train/loss"]) == ("FINISHED", 0.5)
    assert run.data.tags["record.missing"] == "metrics of step 1"
    assert unsettled() == []  # so that no later start waits for it
    assert refused_directories() == [claimed.directory]


def test_what_was_refused_can_be_sent_once_it_is_taken(experiment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    send = mlflow_client.send

    def refusing(run_id: str, entry: Entry) -> None:
        if isinstance(entry, Attachment):
            raise RefusedError("HTTPError: 413")
        send(run_id, entry)

    with monkeypatch.context() as patched:
        patched.setattr(mlflow_client, "send", refusing)
        with tracked(experiment) as (claimed, run):
            log_text(run.run_id, "a table", "curves.png")
            log_metrics(run.run_id, {"train/loss": 0.5}, step=1)
        with pytest.raises(RecordError, match=r"curves\.png"):
            send_what_is_left(claimed.directory, run.run_id, again=True)
    assert only_run(experiment).data.tags["record.missing"] == "curves.png"
    assert send_what_is_left(claimed.directory, run.run_id, again=True)
    assert not send_what_is_left(claimed.directory, run.run_id, again=True)
    finished = only_run(experiment)
    assert (finished.info.status, finished.data.tags["record.missing"]) == ("FINISHED", "nothing")
    assert [file.path for file in store().list_artifacts(run.run_id)] == ["curves.png"]


def test_a_store_that_takes_no_files_is_told_before_anything_is_done(experiment: str) -> None:
    with sqlite3.connect("mlflow.db") as database:
        database.execute("UPDATE experiments SET artifact_location = 's3://bucket/x' WHERE name = 'tests'")
    with (
        pytest.raises(InputError, match=r"cannot be stored at 's3://bucket/x.*boto3'.*install 'boto3'"),
        tracked(experiment),
    ):
        raise AssertionError("it trains")
    assert store().search_runs([experiment]) == []
    assert list(Path("runs").iterdir()) == []


def test_a_run_is_not_reopened_in_a_store_that_takes_no_files_any_more(experiment: str) -> None:
    run = broken_off(experiment, KeyboardInterrupt())
    Path("mlartifacts").rename("elsewhere")
    Path("mlartifacts").touch()
    with pytest.raises(InputError, match="cannot be stored at"), tracked(experiment, run.info.run_id):
        raise AssertionError("it trains")
    assert only_run(experiment).data.tags["outcome"] == "killed"
    assert (Path(run.data.tags["run.directory"]) / RUN_FILE).exists()


def test_a_secret_of_the_store_s_address_is_neither_recorded_nor_kept(
    experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "tracking_uri", lambda: "postgresql://team:a/secret@db/mlflow")
    monkeypatch.setattr(run_module, "store_name", lambda: "postgresql://team:***@db/mlflow")
    run = broken_off(experiment, ValueError("no answer from postgresql://team:a/secret@db/mlflow"))
    assert run.data.tags["reason"] == "ValueError: no answer from postgresql://team:***@db/mlflow"
    directory = Path(run.data.tags["run.directory"])
    assert read_run_file(directory).store == "postgresql://team:***@db/mlflow"
    # As it was written before, when not all forms of a secret were known.
    older = (directory / RUN_FILE).read_text().replace("***", "a/secret")
    (directory / RUN_FILE).write_text(older)
    assert read_run_file(directory).store == "postgresql://team:***@db/mlflow"


def test_a_full_disk_does_not_keep_the_reason_from_mlflow(experiment: str) -> None:
    def full() -> None:
        with tracked(experiment) as (claimed, _):
            # Nothing can be added to a journal that is a directory.
            (claimed.directory / JOURNAL).unlink()
            (claimed.directory / JOURNAL).mkdir()
            raise StorageError("no room")

    with pytest.raises(StorageError, match="no room"):
        full()
    run = only_run(experiment)
    assert (run.info.status, run.data.tags["reason"]) == ("FAILED", "StorageError: no room")
    assert unsettled() == [Path(run.data.tags["run.directory"])]


def test_a_full_disk_and_an_outage_do_not_hide_what_ended_the_run(
    experiment: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full() -> None:
        with tracked(experiment) as (claimed, _):
            (claimed.directory / JOURNAL).unlink()
            (claimed.directory / JOURNAL).mkdir()
            monkeypatch.setattr(mlflow_client, "send", out)
            raise ValueError("a reason")

    with pytest.raises(ValueError, match="a reason"):
        full()
    assert only_run(experiment).info.status == "RUNNING"
    assert "MLflow does not have all of this run yet (nobody there)" in caplog.text


def test_a_full_disk_stops_the_system_metrics_and_not_the_run(
    experiment: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StorageError("no room")

    monkeypatch.setattr(system_metrics, "log_metrics", full)
    with tracked(experiment):
        pass
    assert only_run(experiment).info.status == "FINISHED"
    assert "System metrics are no longer recorded: no room" in caplog.text


def test_parameters_come_back_as_they_were(experiment: str) -> None:
    run = broken_off(experiment, KeyboardInterrupt())
    directory, parameters = resumable(run.info.run_id)
    assert directory == Path(run.data.tags["run.directory"])
    assert parameters == {"epochs": 3, "limit": None}


def test_what_cannot_be_resumed_is_told(experiment: str) -> None:
    with tracked(experiment) as (_, finished):
        pass
    with pytest.raises(InputError, match=rf"resume: run '{finished.run_id}' has finished"):
        resumable(finished.run_id)
    with pytest.raises(InputError, match="has no run 'nonsense'"):
        resumable("nonsense")
    foreign = store().create_run(experiment).info.run_id
    with pytest.raises(InputError, match=f"resume: run '{foreign}' was not made by this pipeline"):
        resumable(foreign)
    store().set_tag(foreign, "run.directory", "/nowhere")
    store().set_tag(foreign, "run.host", "another")
    with pytest.raises(InputError, match=r"cannot be read in '/nowhere' .* written on host 'another'"):
        resumable(foreign)


def test_a_file_of_parameters_that_is_damaged_is_told(experiment: str) -> None:
    run = broken_off(experiment, KeyboardInterrupt())
    directory = Path(run.data.tags["run.directory"])
    (directory / RUN_FILE).write_text('{"run_id": ')
    with pytest.raises(
        InputError, match=f"the files of run '{run.info.run_id}' cannot be read in '{directory}'"
    ) as told:
        resumable(run.info.run_id)
    assert "(run.json is damaged: Invalid JSON: EOF while parsing a value" in str(told.value)
    assert "pydantic" not in str(told.value)


def test_the_last_sign_of_life_is_the_latest_file(tmp_path: Path) -> None:
    import os

    (tmp_path / "checkpoints").mkdir()
    for name, seconds in (("run.json", 1_000), ("checkpoints/1.npz", 2_000), ("outbox.sent", 3_000)):
        (tmp_path / name).write_text(json.dumps({}))
        os.utime(tmp_path / name, (seconds, seconds))
    os.utime(tmp_path / "checkpoints", (1_500, 1_500))
    assert last_sign_of_life(tmp_path) == 2_000_000

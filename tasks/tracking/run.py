"""The life of a run in MLflow: how it starts or goes on, and how it ends, whatever ends it."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from tasks.foundation.commands import command
from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import write_durably
from tasks.foundation.errors import InputError, RecordError, StorageError, is_fault
from tasks.foundation.log import task_log
from tasks.tracking import mlflow_client
from tasks.tracking.claim import Claim
from tasks.tracking.outbox import MARK, OutageError
from tasks.tracking.outbox_entries import End, Entry, ModelFile, Parameters, Tags
from tasks.tracking.provenance import provenance_tags
from tasks.tracking.record import Recorder, now, recording
from tasks.tracking.store import run_url, store_name
from tasks.tracking.stored_run import DIRECTORY_TAG, HOST_TAG, PROCESS_TAG, resume_command
from tasks.tracking.system_metrics import recorded_system_metrics

SEND_SECONDS = 30  # how long the end of a run waits for MLflow
INTERRUPTED_SEND_SECONDS = 2  # the same if somebody wants the process to end
RUN_FILE = "run.json"
log = logging.getLogger(__name__)


class RunFile(BaseModel):
    """What the directory of a run says of it: where it is recorded, and what it was started with."""

    model_config = ConfigDict(frozen=True)

    store: str
    run_id: str | None = None
    parameters: dict[str, Any]


@dataclass(frozen=True)
class TrackedRun:
    """A run that is going on: its id and experiment, the address of its page, its directory for files in the making."""

    run_id: str
    experiment_id: str
    url: str
    directory: Path


@contextmanager
def tracked_run(
    claimed: Claim,
    experiment_id: str,
    name: str,
    parameters: Mapping[str, Any],
    tags: Mapping[str, str],
    *,
    resumed: str | None = None,
    trains: bool = True,
) -> Iterator[TrackedRun]:
    """Start a run, or let the run ``resumed`` go on, and yield it.

    It ends FINISHED, FAILED with the reason, or KILLED if it was interrupted. Its directory is deleted once it has
    FINISHED and MLflow knows all about it; of any other it is kept, so that the run can be resumed. Of a run that
    ``trains`` the parameters are recorded as such, and what it takes of the machine; a comparison has others train.
    """
    directory = claimed.directory
    file = RunFile(store=store_name(), run_id=resumed, parameters=dict(parameters))
    _write(directory, file)  # before there is a run: so there is none that could not be resumed
    claimed.state = "open"
    here = {HOST_TAG: socket.gethostname(), PROCESS_TAG: str(os.getpid()), DIRECTORY_TAG: str(directory)}
    all_tags = {**provenance_tags(), **claimed.tags, **tags, **here}
    if resumed:
        mlflow_client.reopen_run(resumed, all_tags)
    run_id = resumed or mlflow_client.create_run(experiment_id, name, all_tags)
    _write(directory, file.model_copy(update={"run_id": run_id}))
    with recording(run_id, directory) as recorder:
        try:
            if trains:
                recorder.put(Parameters(parameters={key: _shown(value) for key, value in parameters.items()}))
            with recorded_system_metrics(run_id, recorder.next_step("system/")) if trains else nullcontext():
                yield TrackedRun(run_id, experiment_id, run_url(experiment_id, run_id), directory)
        except BaseException as error:
            ended: Literal["FAILED", "KILLED"] = "FAILED" if is_fault(error) else "KILLED"
            reason = f"{type(error).__name__}: {error}".removesuffix(": ")
            _end_early(claimed, recorder, ended, reason, resume_command(run_id, all_tags))
            raise
        crash_point("run_ending")
        recorder.put(End(status="FINISHED", timestamp=now()))
        _settle(claimed, recorder, "finished", SEND_SECONDS)


def resumable(run_id: str) -> tuple[Path, dict[str, Any]]:
    """Return the directory and the parameters of a run that did not finish.

    Raises:
        InputError: there is no such run, it has finished, or its files are not here.
    """
    run = mlflow_client.get_run(run_id)
    if run.directory is None:
        raise InputError(f"resume: run {run_id!r} was not made by this pipeline; name one that was")
    if run.status == "FINISHED":
        raise InputError(f"resume: run {run_id!r} has finished; there is nothing left of it to do")
    try:
        return run.directory, read_run_file(run.directory).parameters
    except (OSError, ValueError) as error:
        raise InputError(
            f"resume: the files of run {run_id!r} cannot be read in {str(run.directory)!r} ({error}); they were "
            f"written on host {run.tags.get(HOST_TAG)!r}: resume it there, or start it anew"
        ) from error


def read_run_file(directory: Path) -> RunFile:
    """Return what a run's directory says of it. Raises OSError, or ValueError for what is no such file."""
    return RunFile.model_validate_json((directory / RUN_FILE).read_bytes())


def send_what_is_left(directory: Path, run_id: str) -> bool:
    """Send what a process that is gone has left; return whether there was any. Raises OutageError, RecordError."""
    outbox = Recorder(run_id, directory).outbox
    any_left = outbox.any_waiting
    if any_left and any(isinstance(entry, ModelFile) for entry in outbox.kept):
        import_module("keras")  # with TensorFlow: that this takes its time is no outage
    outbox.close(SEND_SECONDS)
    return any_left


def last_sign_of_life(directory: Path) -> int:
    """Return when something was written in a run's directory for the last time, in milliseconds since 1970.

    The mark of the outbox does not count: whoever sends what is left moves it.
    """
    paths = [path for path in directory.rglob("*") if path.name != MARK] if directory.exists() else []
    times = [path.stat().st_mtime for path in paths]
    return int(max(times, default=time.time()) * 1000)


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _write(directory: Path, file: RunFile) -> None:
    write_durably(directory / RUN_FILE, file.model_dump_json(indent=2).encode())


def _end_early(
    claimed: Claim, recorder: Recorder, status: Literal["FAILED", "KILLED"], reason: str, resume_command: str
) -> None:
    """End a run that did not finish; what fails here too is left to `reconcile`, and must not hide the reason."""
    seconds = SEND_SECONDS if status == "FAILED" else INTERRUPTED_SEND_SECONDS
    last: list[Entry] = [Tags(tags={"outcome": status.lower(), "reason": reason}), End(status=status, timestamp=now())]
    try:
        for entry in last:
            recorder.put(entry)
        _settle(claimed, recorder, "settled", seconds)
    except RecordError as error:
        log.warning("%s", error)
    except StorageError:  # the disk that is full has no room for the outbox either
        try:
            for entry in last:
                mlflow_client.send(recorder.run_id, entry)
        except OutageError as error:
            _tell_kept(claimed, error)
    task_log().warning(
        "Run %s %s. Go on with it: %s",
        recorder.run_id,
        "was interrupted" if status == "KILLED" else "failed",
        resume_command,
    )


def _settle(claimed: Claim, recorder: Recorder, state: Literal["settled", "finished"], seconds: float) -> None:
    """Send all that is kept; if that works, nothing is left for `reconcile`."""
    try:
        recorder.outbox.close(seconds)
    except OutageError as error:
        _tell_kept(claimed, error)
    except RecordError:
        claimed.state = "settled"
        raise
    else:
        claimed.state = state
        crash_point("run_ended")


def _tell_kept(claimed: Claim, error: OutageError) -> None:
    log.warning(
        "MLflow does not have all of this run yet (%s). The rest is kept in %s, and sent when the next training "
        "starts, or by: %s",
        *(error, claimed.directory, command("reconcile")),
    )

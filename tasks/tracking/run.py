"""The life of a run in MLflow: how it starts or goes on, and how it ends, whatever ends it."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tasks.data.bound_dataset import BoundDataset
from tasks.foundation.crash_points import crash_point
from tasks.foundation.errors import InputError, is_fault
from tasks.foundation.secrets_in_addresses import without_secrets_of
from tasks.tracking import mlflow_client, mlflow_files
from tasks.tracking.claim import Claim
from tasks.tracking.outbox import MARK
from tasks.tracking.outbox_entries import Parameters
from tasks.tracking.provenance import provenance_tags
from tasks.tracking.record import recording
from tasks.tracking.run_ending import end_early, end_finished
from tasks.tracking.run_file import RunFile, read_run_file, write_run_file
from tasks.tracking.store import run_url, store_name, tracking_uri
from tasks.tracking.stored_run import DIRECTORY_TAG, HOST_TAG, PROCESS_TAG, resume_command
from tasks.tracking.system_metrics import recorded_system_metrics


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
    dataset: BoundDataset | None = None,
    resumed: str | None = None,
    trains: bool = True,
) -> Iterator[TrackedRun]:
    """Start a run, or let the run ``resumed`` go on, and yield it.

    It ends FINISHED, FAILED with the reason, or KILLED if it was interrupted. Its directory is deleted once it has
    FINISHED and MLflow knows all about it; of any other it is kept, so that the run can be resumed. Of a run that
    ``trains`` the parameters are recorded as such, and what it takes of the machine; a comparison has others train.

    Raises:
        InputError: the store cannot be used, or not store files.
    """
    directory = claimed.directory
    file = RunFile(store=store_name(), run_id=resumed, parameters=dict(parameters), dataset=dataset)
    write_run_file(directory, file)  # before there is a run: so there is none that could not be resumed
    claimed.state = "open"
    here = {HOST_TAG: socket.gethostname(), PROCESS_TAG: str(os.getpid()), DIRECTORY_TAG: str(directory)}
    all_tags = {**provenance_tags(), **claimed.tags, **tags, **here}
    run_id = _reopened(resumed, all_tags) if resumed else _created(claimed, experiment_id, name, all_tags)
    write_run_file(directory, file.model_copy(update={"run_id": run_id}))
    with recording(run_id, directory) as recorder:
        try:
            if trains:
                recorder.put(Parameters(parameters={key: _shown(value) for key, value in parameters.items()}))
            with recorded_system_metrics(run_id, recorder.next_step("system/")) if trains else nullcontext():
                yield TrackedRun(run_id, experiment_id, run_url(experiment_id, run_id), directory)
        except BaseException as error:
            end_early(claimed, recorder, *_ending(error), resume_command(run_id, all_tags))
            raise
        crash_point("run_ending")
        end_finished(claimed, recorder)


def _ending(error: BaseException) -> tuple[Literal["FAILED", "KILLED"], str]:
    """Return how a run ends for an error, and why, in words."""
    reason = without_secrets_of(tracking_uri(), f"{type(error).__name__}: {error}".removesuffix(": "))
    return "FAILED" if is_fault(error) else "KILLED", reason


def _here(directory: Path) -> dict[str, str]:
    return {HOST_TAG: socket.gethostname(), PROCESS_TAG: str(os.getpid()), DIRECTORY_TAG: str(directory)}


def _reopened(run_id: str, tags: Mapping[str, str]) -> str:
    """Let a run go on that can store files. Raises InputError if it cannot, and leaves it as it is."""
    mlflow_files.require_artifacts(run_id)
    mlflow_client.reopen_run(run_id, tags)
    return run_id


def _created(claimed: Claim, experiment_id: str, name: str, tags: Mapping[str, str]) -> str:
    """Return a new run that can store files. Raises InputError if it cannot, and leaves nothing behind."""
    run_id = mlflow_client.create_run(experiment_id, name, tags)
    try:
        mlflow_files.require_artifacts(run_id)
    except InputError:
        mlflow_client.delete_run(run_id)
        claimed.state = "empty"
        raise
    return run_id


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


def last_sign_of_life(directory: Path) -> int:
    """Return when something was written in a run's directory for the last time, in milliseconds since 1970.

    The mark of the outbox does not count: whoever sends what is left moves it.
    """
    paths = [path for path in directory.rglob("*") if path.name != MARK] if directory.exists() else []
    times = [path.stat().st_mtime for path in paths]
    return int(max(times, default=time.time()) * 1000)


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

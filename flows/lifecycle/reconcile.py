"""Close what processes that are gone have left open: their runs in MLflow, and their flow runs in Prefect."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import psutil

from flows.lifecycle.crashed_flow_runs import close_flow_runs
from tasks.foundation.errors import RecordError
from tasks.tracking import mlflow_client
from tasks.tracking.claim import Claim, HeldError, claim, has_own_name, lock_path, unsettled
from tasks.tracking.outbox import OutageError
from tasks.tracking.outbox_entries import End, Tags
from tasks.tracking.record import now
from tasks.tracking.refused_entries import refused_directories
from tasks.tracking.run import last_sign_of_life
from tasks.tracking.run_ending import send_what_is_left
from tasks.tracking.run_file import read_run_file
from tasks.tracking.store import store_name
from tasks.tracking.stored_run import DIRECTORY_TAG, HOST_TAG, PROCESS_TAG, StoredRun, resume_command

Ended = Literal["FAILED", "KILLED"]


def reconcile(host: str | None = None, *, ended: Ended = "FAILED", again: bool = False) -> list[str]:
    """Close the runs of this store whose process is gone, and send what they have not sent.

    Where a run's directory is here, its lock says whether a process holds it, whatever this host was called when that
    began. Where it is not, a run of another host is left alone. What cannot be looked after is told, and keeps nothing
    else from being closed.

    Args:
        host: Close the runs of this host too, which the caller knows to be gone.
        ended: What the runs are closed as.
        again: Send once more what MLflow refused of runs, also of those that are closed.

    Returns:
        What was done, in words.

    Raises:
        InputError: the store cannot be used.
    """
    running = [run for run in mlflow_client.find_runs("attributes.status = 'RUNNING'") if run.directory]
    told: list[str] = []
    directories = {run.directory for run in running if run.directory} | set(unsettled())
    for directory in sorted(directories | set(refused_directories() if again else [])):
        with _hindering_nothing_else(directory, told):
            if not directory.exists() and not lock_path(directory).exists():
                told += _close_without_files([run for run in running if run.directory == directory], host, ended)
            elif not has_own_name(directory):
                told.append(f"Left alone {directory}: no run has a directory of that name. Move it out of runs/")
            else:
                with claim(directory) as claimed:
                    told += _close_claimed(claimed, host, ended, again=again)
    return told


def settle(directory: Path) -> list[str]:
    """Close what a process that is gone has left open in one directory. Raises HeldError if it is not gone."""
    with claim(directory) as claimed:
        return _close_claimed(claimed, None, "FAILED")


@contextmanager
def _hindering_nothing_else(directory: Path, told: list[str]) -> Iterator[None]:
    try:
        yield
    except HeldError:  # its process lives
        pass
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one directory or record, no start waits for it
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        told.append(f"Left alone {directory}, which cannot be looked after: {reason}")


def _close_claimed(claimed: Claim, host: str | None, ended: Ended, *, again: bool = False) -> list[str]:
    """Close what belongs to a directory that nobody holds any more, and let it be deleted if it is of no more use."""
    directory = claimed.directory
    runs = _runs_in(directory, host)
    try:
        file = read_run_file(directory)
    except FileNotFoundError:  # killed before there was a run, or somebody deleted its files
        told = _close(directory, runs, None, ended)
        claimed.state = "empty"
        return told
    except (OSError, ValueError) as error:
        told = _close(directory, runs, last_sign_of_life(directory), ended)
        claimed.state = "settled"
        kept = f"The run in {directory} cannot go on, because its file cannot be read; its files are kept: {error}"
        return [*told, kept]
    if not runs and file.store != store_name():  # it is recorded in another store
        return []
    if file.run_id and file.run_id not in [run.run_id for run in runs]:
        claimed.state = "settled"
        return [f"Left alone {directory}: run {file.run_id} is not there. A copy? Delete what nobody needs"]
    told, ended_at, refused = [], last_sign_of_life(directory), False
    if file.run_id:
        try:
            if send_what_is_left(directory, file.run_id, again=again):
                told.append(f"Sent to MLflow what run {file.run_id} had kept for it.")
        except OutageError as outage:
            return [f"MLflow does not take what run {file.run_id} has kept for it in {directory}: {outage}"]
        except RecordError as refusal:
            told.append(str(refusal))
            refused = True
    runs = _runs_in(directory, host)  # as they are now that all is sent
    told += _close(directory, runs, ended_at, ended)
    claimed.state = "settled" if refused or any(run.status != "FINISHED" for run in runs) else "finished"
    return told


def _runs_in(directory: Path, host: str | None) -> list[StoredRun]:
    """Return the runs of a directory that is here: it may have been moved since, but is not a copy of what lies there.

    ``host`` is known to be gone.
    """
    found = mlflow_client.find_runs(f"tags.`{DIRECTORY_TAG}` LIKE '%/{directory.name}'")
    return [run for run in found if run.directory and _is(directory, run.directory, run, {socket.gethostname(), host})]


def _is(directory: Path, recorded: Path, run: StoredRun, hosts: Collection[str | None]) -> bool:
    if recorded.exists():
        return recorded.samefile(directory)
    return recorded == directory or run.tags.get(HOST_TAG) in hosts


def _close(directory: Path, runs: list[StoredRun], ended_at: int | None, ended: Ended) -> list[str]:
    close_flow_runs(directory, runs)
    return [_close_run(run, ended_at, ended) for run in runs if run.status == "RUNNING"]


def _close_without_files(runs: list[StoredRun], host: str | None, ended: Ended) -> Iterator[str]:
    """Close runs whose directory is on another host, or was deleted, which a live process does not notice at once."""
    for run in runs:
        at, process = run.tags.get(HOST_TAG), run.tags.get(PROCESS_TAG, "")
        dead = at == socket.gethostname() and process.isdigit() and not psutil.pid_exists(int(process))
        if run.directory and (dead or (at and host == at != socket.gethostname())):
            yield from _close(run.directory, [run], None, ended)


def _close_run(run: StoredRun, ended_at: int | None, ended: Ended) -> str:
    process = f"its process {run.tags.get(PROCESS_TAG)} on host {run.tags.get(HOST_TAG)} is gone"
    mlflow_client.send_now(run.run_id, Tags(tags={"outcome": ended.lower(), "reason": f"{process}, without a word"}))
    mlflow_client.send_now(run.run_id, End(status=ended, timestamp=ended_at or now()))
    return f"Closed run {run.run_id} ({run.name}): {process}. Go on with it: {resume_command(run.run_id, run.tags)}"

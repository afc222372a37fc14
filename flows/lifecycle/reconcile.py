"""Close what processes that are gone have left open: their runs in MLflow, and their flow runs in Prefect."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import httpx
import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Crashed

from tasks.foundation.errors import RecordError
from tasks.foundation.log import task_log
from tasks.tracking import mlflow_client
from tasks.tracking.claim import Claim, HeldError, claim, lock_path, unsettled
from tasks.tracking.outbox import OutageError
from tasks.tracking.outbox_entries import End, Tags
from tasks.tracking.record import now
from tasks.tracking.run import last_sign_of_life, read_run_file, send_what_is_left
from tasks.tracking.store import store_name
from tasks.tracking.stored_run import DIRECTORY_TAG, HOST_TAG, PROCESS_TAG, StoredRun, resume_command

FLOW_RUN_TAG = "prefect.flow_run_id"


def claim_tag(directory: Path) -> str:
    """Return the tag by which Prefect's flow runs name the directory that their process holds."""
    return f"runs/{directory.name}"


Ended = Literal["FAILED", "KILLED"]


def reconcile(host: str | None = None, *, ended: Ended = "FAILED") -> list[str]:
    """Close the runs of this store whose process is gone, and send what they have not sent.

    A run is left alone as long as a live process holds its directory, and if it belongs to another host.

    Args:
        host: Close the runs of this host instead, which the caller knows to be gone.
        ended: What the runs are closed as.

    Returns:
        What was done, in words.

    Raises:
        InputError: the store cannot be used.
    """
    this_host = socket.gethostname()
    elsewhere = host not in (None, this_host)
    running = [
        run
        for run in mlflow_client.find_runs("attributes.status = 'RUNNING'")
        if run.directory and run.tags.get(HOST_TAG) == (host or this_host)
    ]
    directories = {run.directory for run in running if run.directory} | set([] if elsewhere else unsettled())
    told: list[str] = []
    for directory in sorted(directories):
        if directory.exists() or lock_path(directory).exists():
            try:
                with claim(directory) as claimed:
                    told += _close_claimed(claimed, host or this_host, ended)
            except HeldError:
                continue
        else:
            its_runs = [run for run in running if run.directory == directory]
            told += _close_without_files(directory, its_runs, ended, elsewhere=elsewhere)
    return told


def settle(directory: Path) -> list[str]:
    """Close what a process that is gone has left open in one directory. Raises HeldError if it is not gone."""
    with claim(directory) as claimed:
        return list(_close_claimed(claimed, socket.gethostname(), "FAILED"))


def _close_claimed(claimed: Claim, host: str, ended: Ended) -> Iterator[str]:
    """Close what belongs to a directory that nobody holds any more, and let it be deleted if it is of no more use."""
    directory = claimed.directory
    runs = _runs_in(directory)
    if any(run.tags.get(HOST_TAG) != host for run in runs):  # on a disk that hosts share
        return
    try:
        file = read_run_file(directory)
    except FileNotFoundError:  # killed before there was a run, or somebody deleted its files
        yield from _close(directory, runs, None, ended)
        claimed.state = "empty"
        return
    except (OSError, ValueError) as error:
        yield from _close(directory, runs, last_sign_of_life(directory), ended)
        yield f"The run in {directory} cannot go on, because its file cannot be read; its files are kept: {error}"
        claimed.state = "settled"
        return
    if not runs and file.store != store_name():  # it is recorded in another store
        return
    ended_at = last_sign_of_life(directory)
    if file.run_id:
        try:
            if send_what_is_left(directory, file.run_id):
                yield f"Sent to MLflow what run {file.run_id} had kept for it."
        except OutageError as outage:
            yield f"MLflow does not take what run {file.run_id} has kept for it in {directory}: {outage}"
            return
        except RecordError as refusal:
            yield str(refusal)
    runs = _runs_in(directory)  # as they are now that all is sent
    yield from _close(directory, runs, ended_at, ended)
    claimed.state = "settled" if any(run.status != "FINISHED" for run in runs) else "finished"


def _close(directory: Path, runs: list[StoredRun], ended_at: int | None, ended: Ended) -> Iterator[str]:
    _close_flow_runs(directory, runs)
    for run in runs:
        if run.status == "RUNNING":
            yield _close_run(run, ended_at, ended)


def _runs_in(directory: Path) -> list[StoredRun]:
    return mlflow_client.find_runs(f"tags.`{DIRECTORY_TAG}` LIKE '%{directory.name}'")


def _close_without_files(directory: Path, runs: list[StoredRun], ended: Ended, *, elsewhere: bool) -> Iterator[str]:
    """Close runs whose directory is on another host, or was deleted, which a live process does not notice at once."""
    for run in runs:
        if elsewhere or not psutil.pid_exists(int(run.tags[PROCESS_TAG])):
            yield from _close(directory, [run], None, ended)


def _close_run(run: StoredRun, ended_at: int | None, ended: Ended) -> str:
    process = f"its process {run.tags[PROCESS_TAG]} on host {run.tags[HOST_TAG]} is gone"
    mlflow_client.send_now(run.run_id, Tags(tags={"outcome": ended.lower(), "reason": f"{process}, without a word"}))
    mlflow_client.send_now(run.run_id, End(status=ended, timestamp=ended_at or now()))
    return f"Closed run {run.run_id} ({run.name}): {process}. Go on with it: {resume_command(run.run_id, run.tags)}"


def _close_flow_runs(directory: Path, runs: Iterable[StoredRun]) -> None:
    """Let Prefect know that the flow runs of a process crashed, with their task runs."""
    ids = [UUID(run.tags[FLOW_RUN_TAG]) for run in runs if run.tags.get(FLOW_RUN_TAG)]
    by_tag = FlowRunFilter(tags=FlowRunFilterTags(any_=[claim_tag(directory)]))
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(flow_run_filter=by_tag)
        found += client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=ids))) if ids else []
        for flow_run in {flow_run.id: flow_run for flow_run in found}.values():
            if flow_run.state is None or not flow_run.state.is_final():
                _crash(client, flow_run)


def close_task_runs(flow_run_id: UUID) -> None:
    """Let Prefect know, if it can be told, that the task runs of a flow run which have not ended crashed."""
    try:
        with get_client(sync_client=True) as client:
            _close_task_runs(client, flow_run_id)
    except httpx.HTTPError as error:
        task_log().warning("Prefect may show tasks as running that are not: %s: %s", type(error).__name__, error)


def _close_task_runs(client: SyncPrefectClient, flow_run_id: UUID) -> None:
    only = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
    for task_run in client.read_task_runs(flow_run_filter=only):
        if task_run.state is None or not task_run.state.is_final():
            client.set_task_run_state(task_run.id, _crashed(), force=True)


def _crash(client: SyncPrefectClient, flow_run: FlowRun) -> None:
    _close_task_runs(client, flow_run.id)
    client.set_flow_run_state(flow_run.id, _crashed(), force=True)


def _crashed() -> State[Any]:
    return Crashed(message="Its process is gone, without a word.")

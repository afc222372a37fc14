"""Tell Prefect which flow runs crashed with their process, and nothing of those that are tried again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.runtime import flow_run
from prefect.states import Crashed

from tasks.foundation.log import task_log
from tasks.tracking.stored_run import StoredRun

# Of which flow run an MLflow run is, and of which of its tries: Prefect's Retry runs the same flow run again.
FLOW_RUN_TAG, TRY_TAG = "prefect.flow_run_id", "prefect.flow_run_try"


def claim_tag(directory: Path) -> str:
    """Return the tag by which Prefect's flow runs name the directory that their process holds."""
    return f"runs/{directory.name}"


def untag(directory: Path) -> None:
    """Take the tag of a directory off this flow run, once a run in MLflow names it, by which it is found too.

    Lists of flow runs show tags, and this one says nothing to a person.
    """
    tag = claim_tag(directory)
    if tag not in flow_run.tags:
        return
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(UUID(flow_run.id), tags=[other for other in flow_run.tags if other != tag])
    except httpx.HTTPError as error:
        task_log().warning("Prefect goes on showing the tag %s: %s: %s", tag, type(error).__name__, error)


def close_flow_runs(directory: Path, runs: Iterable[StoredRun]) -> None:
    """Let Prefect know that the flow runs of a process that held a directory crashed, with their task runs."""
    tries = {UUID(run.tags[FLOW_RUN_TAG]): run.tags.get(TRY_TAG) for run in runs if run.tags.get(FLOW_RUN_TAG)}
    by_tag = FlowRunFilter(tags=FlowRunFilterTags(any_=[claim_tag(directory)]))
    by_id = FlowRunFilter(id=FlowRunFilterId(any_=list(tries)))
    with _told(), get_client(sync_client=True) as client:
        for found in client.read_flow_runs(flow_run_filter=by_tag):
            if found.state is None or not found.state.is_final():
                _crash(client, found)
        for found in client.read_flow_runs(flow_run_filter=by_id) if tries else []:
            if _still(found, tries[found.id]):
                _crash(client, found)


def close_task_runs(flow_run_id: UUID) -> None:
    """Let Prefect know, if it can be told, that the task runs of a flow run which have not ended crashed."""
    try:
        with get_client(sync_client=True) as client:
            _close_task_runs(client, flow_run_id)
    except httpx.HTTPError as error:
        _tell(error)


def _still(found: FlowRun, try_of_run: str | None) -> bool:
    """Whether a flow run is in the try that an MLflow run is of: not over, nor waiting for, nor in, another one."""
    return found.state_type in (StateType.RUNNING, StateType.CANCELLING) and try_of_run in (
        None,  # recorded before tries were
        str(found.run_count),
    )


@contextmanager
def _told() -> Iterator[None]:
    """Tell what Prefect answers with an error, which will not pass: the record in MLflow is closed all the same."""
    try:
        yield
    except httpx.HTTPStatusError as error:
        _tell(error)


def _tell(error: httpx.HTTPError) -> None:
    reason = str(error).partition("\n")[0]
    task_log().warning("Prefect may show as running what is not: %s: %s", type(error).__name__, reason)


def _close_task_runs(client: SyncPrefectClient, flow_run_id: UUID) -> None:
    only = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
    for task_run in client.read_task_runs(flow_run_filter=only):
        if task_run.state is None or not task_run.state.is_final():
            client.set_task_run_state(task_run.id, _crashed(), force=True)


def _crash(client: SyncPrefectClient, found: FlowRun) -> None:
    _close_task_runs(client, found.id)
    client.set_flow_run_state(found.id, _crashed(), force=True)


def _crashed() -> State[Any]:
    return Crashed(message="Its process is gone, without a word.")

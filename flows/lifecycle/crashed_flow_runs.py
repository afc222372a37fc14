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
from prefect.states import Crashed

from tasks.foundation.log import task_log
from tasks.tracking.stored_run import StoredRun

# Of which flow run an MLflow run is, and of which of its tries: Prefect's Retry runs the same flow run again.
FLOW_RUN_TAG, TRY_TAG = "prefect.flow_run_id", "prefect.flow_run_try"


def claim_tag(directory: Path) -> str:
    """Return the tag by which Prefect's flow runs name the directory that their process holds."""
    return f"runs/{directory.name}"


def close_flow_runs(directory: Path, runs: Iterable[StoredRun]) -> None:
    """Let Prefect know that the flow runs of a process that held a directory crashed, with their task runs."""
    tries = {UUID(run.tags[FLOW_RUN_TAG]): run.tags.get(TRY_TAG) for run in runs if run.tags.get(FLOW_RUN_TAG)}
    by_tag = FlowRunFilter(tags=FlowRunFilterTags(any_=[claim_tag(directory)]))
    by_id = FlowRunFilter(id=FlowRunFilterId(any_=list(tries)))
    with _told(), get_client(sync_client=True) as client:
        for flow_run in client.read_flow_runs(flow_run_filter=by_tag):
            if flow_run.state is None or not flow_run.state.is_final():
                _crash(client, flow_run)
        for flow_run in client.read_flow_runs(flow_run_filter=by_id) if tries else []:
            if _still(flow_run, tries[flow_run.id]):
                _crash(client, flow_run)


def close_task_runs(flow_run_id: UUID) -> None:
    """Let Prefect know, if it can be told, that the task runs of a flow run which have not ended crashed."""
    try:
        with get_client(sync_client=True) as client:
            _close_task_runs(client, flow_run_id)
    except httpx.HTTPError as error:
        _tell(error)


def _still(flow_run: FlowRun, try_of_run: str | None) -> bool:
    """Whether a flow run is in the try that an MLflow run is of: not over, nor waiting for, nor in, another one."""
    return flow_run.state_type in (StateType.RUNNING, StateType.CANCELLING) and try_of_run in (
        None,  # recorded before tries were
        str(flow_run.run_count),
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


def _crash(client: SyncPrefectClient, flow_run: FlowRun) -> None:
    _close_task_runs(client, flow_run.id)
    client.set_flow_run_state(flow_run.id, _crashed(), force=True)


def _crashed() -> State[Any]:
    return Crashed(message="Its process is gone, without a word.")

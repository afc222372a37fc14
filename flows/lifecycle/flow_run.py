"""Flow runs under a claim, by which they are found should their process be killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from prefect.flow_engine import run_flow
from prefect.runtime import flow_run
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows.lifecycle.crashed_flow_runs import claim_tag
from flows.lifecycle.reconcile import reconcile
from tasks.foundation.crash_points import crash_point
from tasks.foundation.errors import InputError, ServerError
from tasks.foundation.log import task_log
from tasks.foundation.secrets_in_addresses import without_login
from tasks.tracking.claim import Claim, HeldError, claim, held_claim

EVENT_SECONDS = 60


@contextmanager
def claimed_run(resume: str | None, directory_of: Callable[[str], Path]) -> Iterator[Claim]:
    """Hold the directory of a new run, or ``directory_of(resume)``, unless that is so already.

    Before, whatever processes that are gone have left open in the store is closed.

    Raises:
        InputError: the run to be resumed is going on, or cannot be resumed, or the store cannot be used.
    """
    if held := held_claim():
        yield held
        return
    for done in reconcile():
        task_log().info("%s", done)
    try:
        with claim(directory_of(resume) if resume else None) as claimed:
            yield claimed
    except HeldError as error:
        raise InputError(f"resume: run {resume!r} is going on; {error}") from error


def run_claimed(
    flow: Flow[..., Any], given: dict[str, Any], claimed: Claim, *, parent_task_run_id: UUID | None = None
) -> Any:
    """Run a flow under a claim that this process holds, and return the result that the flow leaves there.

    Args:
        flow: The flow.
        given: Its parameters.
        claimed: Names the directory with which the flow run is tagged.
        parent_task_run_id: The task run within which it runs, if it does.
    """
    with get_client(sync_client=True) as client:
        if parent_task_run_id:
            _wait_for_task_run(client, parent_task_run_id)
        # Tags that are set in the usual way would be on its task runs too, each of which then asks the API for
        # the concurrency limits of these tags.
        created = client.create_flow_run(
            flow,
            parameters=flow.serialize_parameters(given),
            tags=[claim_tag(claimed.directory)],
            parent_task_run_id=parent_task_run_id,
        )
    crash_point("flow_run_created")
    try:
        # Whether its process lives, the lock of the claim tells. Prefect's heartbeat has the end of each run wait for a
        # thread that looks up once a second: who wants it sets that setting.
        with temporary_settings(set_defaults={PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            run_flow(flow, flow_run=created, parameters=given)
    except httpx.HTTPError as error:
        if claimed.result is None:
            raise
        task_log().warning(
            "The Prefect API fails (%s: %s), and does not know how this run ended. MLflow has all of it.",
            *(type(error).__name__, error),
        )
    return claimed.result


def _wait_for_task_run(client: SyncPrefectClient, task_run_id: UUID) -> None:
    """Wait until the API knows a task run that goes on: it learns of it from events, and a busy one does so late.

    Raises:
        ServerError: it does not within a minute.
    """
    deadline = time.monotonic() + EVENT_SECONDS
    while time.monotonic() < deadline:
        try:
            client.read_task_run(task_run_id)
        except ObjectNotFound:
            time.sleep(0.1)
        else:
            return
    raise ServerError(f"the Prefect API did not hear of task run {task_run_id} within {EVENT_SECONDS} s")


def flow_run_page() -> str:
    """Return the address of the page of the flow run that asks, without the login that the API's may hold."""
    return without_login(flow_run.ui_url or "")

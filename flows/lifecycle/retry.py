"""Flow runs that Prefect tries again: they go on with their MLflow run, but only after failures that may pass.

Prefect's Retry button and ``PREFECT_FLOWS_DEFAULT_RETRIES`` run the same flow run again, with the same parameters, in a
new process or in this one. So does whoever starts the process of a flow run anew, as Kubernetes does with a pod.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Literal, TypeVar

import httpx
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.runtime import flow_run

from flows.lifecycle.crashed_flow_runs import FLOW_RUN_TAG
from tasks.foundation.errors import InputError, RecordError
from tasks.foundation.log import task_log
from tasks.tracking import mlflow_client
from tasks.tracking.stored_run import FLOW_TAG

Result = TypeVar("Result")


def begun_before(flow: Literal["train", "compare"], directory_of: Callable[[str], Path]) -> str | None:
    """Return the MLflow run that an earlier try of this flow run has begun and not finished, if its files are here.

    Args:
        flow: The flow that asks.
        directory_of: From an MLflow run to its directory; raises InputError if that cannot be gone on with.
    """
    if flow_run.run_count <= 1:
        return None
    its_own = f"tags.`{FLOW_RUN_TAG}` = '{flow_run.id}' and tags.`{FLOW_TAG}` = '{flow}'"
    runs = mlflow_client.find_runs(its_own)  # the newest first
    if not runs:
        return None
    run_id = runs[0].run_id
    if runs[0].status == "FINISHED":
        task_log().info("Run %s of this flow run has finished; this try starts another.", run_id)
        return None
    try:
        directory_of(run_id)
    except InputError as error:
        task_log().warning("This try starts a new run: %s", error)
        return None
    task_log().info("This try goes on with run %s.", run_id)
    return run_id


def retried_if_it_may_pass(function: Callable[..., Result]) -> Callable[..., Result]:
    """Let Prefect try a flow no more, whatever its settings say, after bad input and what MLflow has refused."""

    @wraps(function)
    def call(**given: Any) -> Result:
        try:
            return function(**given)
        except (InputError, RecordError):
            _retry_no_more()
            raise

    return call


def _retry_no_more() -> None:
    # Only tasks have a condition for that in Prefect: of a flow run, the server counts down what its policy says.
    context = FlowRunContext.get()
    if not context or not context.flow_run or not context.flow_run.empirical_policy.retries:
        return
    policy = context.flow_run.empirical_policy.model_copy(update={"retries": 0})
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(context.flow_run.id, empirical_policy=policy)
    except httpx.HTTPError as error:
        task_log().warning("Prefect may try in vain again: %s: %s", type(error).__name__, error)

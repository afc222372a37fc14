"""Prefect learns which flow runs crashed; one that is tried again has not."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import AwaitingRetry, Cancelling, Completed, Pending, Running

from flows.lifecycle import crashed_flow_runs
from flows.lifecycle.crashed_flow_runs import FLOW_RUN_TAG, TRY_TAG, claim_tag, close_flow_runs, untag
from tasks.tracking.stored_run import StoredRun

pytestmark = pytest.mark.usefixtures("prefect_server")
DIRECTORY = Path("runs/0123456789abcdef0123456789abcdef")


@flow
def nothing() -> None:
    """Stands for a flow."""


def flow_run(*states: State[Any], tags: tuple[str, ...] = ()) -> UUID:
    """Make a flow run that went through these states."""
    with get_client(sync_client=True) as client:
        made = client.create_flow_run(nothing, tags=tags)
        for state in states:
            client.set_flow_run_state(made.id, state, force=True)
    return made.id


def state_after_closing(flow_run_id: UUID, **tags: str) -> str:
    run = StoredRun("a run", "1", "a name", "RUNNING", {FLOW_RUN_TAG: str(flow_run_id), **tags}, {}, {})
    close_flow_runs(DIRECTORY, [run])
    with get_client(sync_client=True) as client:
        return str(client.read_flow_run(flow_run_id).state_name)


@pytest.mark.parametrize("tags", [{}, {TRY_TAG: "1"}], ids=["recorded before tries were", "its first try"])
@pytest.mark.parametrize("last", [[], [Cancelling()]], ids=["running", "cancelling"])
def test_a_flow_run_whose_process_is_gone_crashed(tags: dict[str, str], last: list[State[Any]]) -> None:
    assert state_after_closing(flow_run(Running(), *last), **tags) == "Crashed"


@pytest.mark.parametrize(
    "states",
    [[AwaitingRetry()], [AwaitingRetry(), Pending()], [AwaitingRetry(), Running()], [Completed()]],
    ids=["waits to be tried again", "about to be tried again", "is tried again", "completed"],
)
def test_a_flow_run_that_is_over_or_tried_again_is_left_alone(states: list[State[Any]]) -> None:
    assert state_after_closing(flow_run(Running(), *states), **{TRY_TAG: "1"}) == states[-1].name


def test_what_names_a_directory_that_nobody_holds_crashed_in_whatever_state() -> None:
    found = flow_run(Pending(), tags=(claim_tag(DIRECTORY),))
    close_flow_runs(DIRECTORY, [])
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(found).state_name == "Crashed"


def test_a_tag_is_taken_off_alone_and_an_api_that_fails_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tags = ["mine", claim_tag(DIRECTORY)]
    made = flow_run(Running(), tags=tuple(tags))
    monkeypatch.setattr(crashed_flow_runs, "flow_run", SimpleNamespace(id=str(made), tags=tags))
    untag(DIRECTORY)
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(made).tags == ["mine"]

    def fails(**_: Any) -> None:
        raise httpx.ConnectError("refused")

    monkeypatch.setattr(crashed_flow_runs, "get_client", fails)
    untag(DIRECTORY)
    assert f"Prefect goes on showing the tag {claim_tag(DIRECTORY)}: ConnectError: refused" in caplog.text

"""How a training ends that does not complete: what is said, what is recorded, and that no process stays."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.running import Running

pytestmark = pytest.mark.end_to_end

ENDLESS = ("-m", "flows", "train", "--dataset", "digits", "--epochs", "100000")


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [(signal.SIGINT, 130, "Interrupted.\n"), (signal.SIGTERM, 143, "")],
    ids=["interrupted", "terminated"],
)
def test_a_run_that_is_stopped_is_killed_in_mlflow_and_ends_with_its_server_within_seconds(
    *,
    start: Callable[..., Running],
    runs: Callable[..., list[Any]],
    tmp_path: Path,
    number: signal.Signals,
    status: int,
    said: str,
) -> None:
    running = start(*ENDLESS)
    running.printed(r"Epoch time:")
    stopped = time.monotonic()
    running.process.send_signal(number)
    ended = running.ended()
    assert time.monotonic() - stopped < 30
    assert (ended.status, ended.err, ended.left) == (status, said, [])
    (run,) = runs(tmp_path)
    assert (run.info.status, run.data.tags["outcome"]) == ("KILLED", "killed")
    assert run.info.end_time is not None


def test_an_interruption_before_the_training_leaves_nothing(
    start: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    running = start(*ENDLESS)
    running.printed("Training lenet on digits")
    running.process.send_signal(signal.SIGINT)
    ended = running.ended()
    assert (ended.status, ended.err, ended.left) == (130, "Interrupted.\n", [])
    assert runs(tmp_path) == []


def test_the_server_goes_with_a_run_that_is_killed(start: Callable[..., Running]) -> None:
    running = start(*ENDLESS)
    running.printed(r"Epoch time:")
    assert len(running.processes()) > 1  # its Prefect server
    running.process.kill()
    assert running.ended().left == []


@pytest.mark.parametrize("blocked", ["runs", "mlartifacts"])
def test_a_fault_within_the_run_is_its_reason(
    train: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path, blocked: str
) -> None:
    (tmp_path / blocked).touch()  # a file where a folder is needed
    ended = train("--dataset", "digits", "--epochs", 1).ended()
    assert (ended.status, ended.left) == (1, [])
    assert "The run failed. " in ended.err
    assert blocked in ended.err.splitlines()[-1]
    (run,) = runs(tmp_path)
    assert (run.info.status, run.data.tags["outcome"]) == ("FAILED", "failed")
    assert blocked in run.data.tags["reason"]

"""How many trials run at a time, and on which GPU."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from multiprocessing import forkserver
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows.compare_parameters import CompareParameters
from flows.fork_server import start_importing
from flows.quiet_worker import QuietWorker
from flows.workers import at_a_time, cores


@pytest.mark.parametrize(
    ("given", "gpus", "expected"),
    [
        ({"workers": 7}, 0, 7),
        ({}, 0, cores()),
        ({"workers": 7}, 1, 1),
        ({"workers": 7}, 2, 2),
        ({"workers": 7, "trials_per_gpu": 3}, 2, 6),
        ({"workers": 2, "trials_per_gpu": 3}, 2, 2),
    ],
)
def test_a_gpu_takes_one_trial_at_a_time_unless_it_is_to_take_more(
    given: dict[str, int], gpus: int, expected: int
) -> None:
    assert at_a_time(CompareParameters(**given), gpus) == expected


@pytest.fixture
def settled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Let this process become a worker of that name, and be itself again."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "unset")
    kept = [os.dup(1), os.dup(2)]

    def settle_in(name: int, gpus: list[str]) -> str:
        handler = signal.getsignal(signal.SIGINT)
        QuietWorker(tmp_path / "workers.log", gpus).setup(SimpleNamespace(name=name))  # type: ignore[arg-type]
        signal.signal(signal.SIGINT, handler)
        return os.environ["CUDA_VISIBLE_DEVICES"]

    yield settle_in
    for descriptor, terminal in enumerate(kept, start=1):
        os.dup2(terminal, descriptor)
        os.close(terminal)


def test_workers_are_dealt_out_to_the_gpus(settled_in: Any) -> None:
    assert [settled_in(number, ["2", "5"]) for number in range(4)] == ["2", "5", "2", "5"]


def test_without_gpus_nothing_is_set(settled_in: Any) -> None:
    assert settled_in(1, []) == "unset"


@pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
def test_what_workers_are_forked_off_is_started_once(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(forkserver, "set_forkserver_preload", started.extend)
    monkeypatch.setattr(forkserver, "ensure_running", lambda: started.append("running"))
    start_importing()
    assert started == ["flows.forked", "running"]

"""How many trials run at a time, and on which GPU."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.context import refresh_global_settings_context
from prefect.settings import get_current_settings

from flows.parameters.compare import CompareParameters
from flows.workers import dask_cluster
from flows.workers.dask_cluster import cores, trials_at_a_time
from flows.workers.worker_plugin import WorkerSetup


@pytest.mark.parametrize(
    ("given", "gpus", "expected"),
    [
        ({"workers": 7}, 0, 7),
        ({}, 0, cores()),
        ({"threads": 2}, 0, max(1, cores() // 2)),
        ({"threads": 1000}, 0, 1),  # more than there are cores
        ({"workers": 7, "threads": 1000}, 0, 7),  # as told
        ({"workers": 7}, 1, 1),
        ({"workers": 7}, 2, 2),
        ({"workers": 7, "trials_per_gpu": 3}, 2, 6),
        ({"workers": 2, "trials_per_gpu": 3}, 2, 2),
    ],
)
def test_a_gpu_takes_one_trial_at_a_time_unless_it_is_to_take_more(
    given: dict[str, int], gpus: int, expected: int
) -> None:
    assert trials_at_a_time(CompareParameters(**given), gpus) == expected


@pytest.mark.parametrize(("quota", "expected"), [(0.5, 1), (1.0, 1), (2.9, 2), (99.0, 4), (float("inf"), 4)])
def test_a_container_has_the_cores_of_its_quota(monkeypatch: pytest.MonkeyPatch, quota: float, expected: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)), raising=False)
    monkeypatch.setattr(dask_cluster, "cpu_quota", lambda: quota)
    assert cores() == expected


@pytest.fixture
def settled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Let this process become a worker of that name, and be itself again."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "unset")
    monkeypatch.setenv("PREFECT_API_URL", "http://before/api")
    refresh_global_settings_context()
    kept = [os.dup(1), os.dup(2)]

    def prepare_process(name: int, gpus: list[str], api: str | None = "http://prefect/api") -> str:
        handler = signal.getsignal(signal.SIGINT)
        WorkerSetup(api, tmp_path / "workers.log", gpus).setup(SimpleNamespace(name=name))  # type: ignore[arg-type]
        signal.signal(signal.SIGINT, handler)
        return os.environ["CUDA_VISIBLE_DEVICES"]

    yield prepare_process
    for descriptor, terminal in enumerate(kept, start=1):
        os.dup2(terminal, descriptor)
        os.close(terminal)
    monkeypatch.undo()
    refresh_global_settings_context()


def test_workers_are_dealt_out_to_the_gpus(settled_in: Any) -> None:
    assert [settled_in(number, ["2", "5"]) for number in range(4)] == ["2", "5", "2", "5"]


def test_without_gpus_nothing_is_set(settled_in: Any) -> None:
    assert settled_in(1, []) == "unset"


def test_it_knows_the_api_that_came_up_after_prefect_was_imported(settled_in: Any) -> None:
    settled_in(1, [])
    found: list[str | None] = []
    thread = threading.Thread(target=lambda: found.append(get_current_settings().api.url))  # as Prefect's own
    thread.start()
    thread.join()
    assert [*found, os.environ["PREFECT_API_URL"]] == ["http://prefect/api"] * 2


def test_without_an_address_of_the_api_none_is_made_up(settled_in: Any) -> None:
    settled_in(1, [], None)
    assert os.environ["PREFECT_API_URL"] == "http://before/api"

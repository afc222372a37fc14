"""What keeps trials from going on is told while they are waited for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from flows.comparison import watch
from flows.comparison.watch import Watch
from tasks.foundation.errors import StoreAwayError


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Callable[..., list[str]]:
    """Look so many seconds after the last time, with these workers and this store, and return what is said."""
    now = [0.0]
    workers: dict[str, int] = {"tcp://a:1": 1}
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr(watch, "faults_of", lambda _client, new, _study: [f"{one} is wrong" for one in new])
    client: Any = SimpleNamespace(nthreads=lambda: dict(workers))
    made = {guests: Watch(client, "study", guests=guests) for guests in (True, False)}

    def look(after: float, present: list[str], *, guests: bool = True, away: bool = False) -> list[str]:
        def get_run(_: str) -> None:
            if away:
                raise StoreAwayError("The MLflow store 'x' does not answer")

        monkeypatch.setattr("tasks.tracking.mlflow_client.get_run", get_run)
        now[0] += after
        workers.clear()
        workers.update(dict.fromkeys(present, 1))
        caplog.clear()
        with caplog.at_level(logging.INFO):
            made[guests].look()
        return [record.getMessage() for record in caplog.records]

    return look


def test_it_looks_every_few_seconds_only(looked: Callable[..., list[str]]) -> None:
    assert looked(9, []) == []
    assert len(looked(1, [])) == 1


def test_that_no_worker_is_there_is_said_every_minute(looked: Callable[..., list[str]]) -> None:
    assert looked(11, ["tcp://a:1"]) == []
    assert [bool(looked(11, [])) for _ in range(8)] == [True, False, False, False, False, False, True, False]
    assert looked(11, ["tcp://a:1"]) != looked(11, [])


def test_a_worker_that_joins_later_is_looked_at_if_it_is_not_ours(looked: Callable[..., list[str]]) -> None:
    joined = ["tcp://a:1", "tcp://b:1"]
    assert looked(11, joined, guests=False) == []
    (told,) = looked(11, joined)
    assert told.endswith("tcp://b:1 is wrong")
    assert looked(11, joined) == []


def test_an_outage_of_the_store_is_told_once_and_so_is_its_end(looked: Callable[..., list[str]]) -> None:
    here = ["tcp://a:1"]
    (told,) = looked(11, here, away=True)
    assert told.startswith("The MLflow store 'x' does not answer. Trials go on")
    assert looked(11, here, away=True) == []
    assert looked(11, here) == ["The MLflow store answers again."]
    assert looked(11, here) == []

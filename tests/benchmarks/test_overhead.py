"""The whole command is measured against the bare script, with times that are made up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import overhead
from tests.support.plans import Spoken


@pytest.mark.parametrize(("first", "again", "met"), [(15.0, 12.5, [True, True]), (15.1, 12.6, [False, False])])
def test_overhead_holds_the_first_run_and_the_next_against_the_bare_script(
    monkeypatch: pytest.MonkeyPatch, first: float, again: float, met: list[bool]
) -> None:
    order, running = [], []

    def seconds(command: list[str], home: Path, **changes: str) -> float:
        name = "again" if changes else "first" if "flows" in command else "bare"
        assert (name == "again") is bool(running)
        assert running or list(home.iterdir()) == []
        order.append(name)
        return {"bare": 10.0, "first": first, "again": again}[name]

    @contextmanager
    def server(_home: Path) -> Iterator[str]:
        running.append(url := "http://api")
        yield url
        running.clear()

    monkeypatch.setattr(overhead, "seconds_of", seconds)
    monkeypatch.setattr(overhead, "_prefect_server", server)
    result = overhead.overhead(Spoken().plan())
    assert order == ["bare", "first", "again", "again"] * 2
    assert [ratio.met() for ratio in result.ratios] == met

"""Help is held against its target, with times that are made up."""

from __future__ import annotations

import pytest

from benchmarks import help as help_benchmark
from tests.support.plans import Spoken


@pytest.mark.parametrize(("seconds", "met"), [(0.9, True), (1.1, False)])
def test_help_is_held_against_a_second(
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    met: bool,  # noqa: FBT001 - a table of cases
) -> None:
    monkeypatch.setattr(help_benchmark, "seconds_of", lambda *_: seconds)
    assert help_benchmark.help_text(Spoken().plan()).met() is met

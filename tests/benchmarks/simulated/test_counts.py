"""Studies are counted the same on any number of processes."""

from __future__ import annotations

import pytest

from benchmarks.simulated import counts
from benchmarks.simulated.counts import Counts, count_of, count_worlds
from benchmarks.simulated.rules import Claims, Simulated
from benchmarks.simulated.worlds import World

NOTHING = Claims(false=False, found=False)


def test_each_study_is_counted_in_its_place() -> None:
    study = Simulated(
        ours=Claims(false=True, found=False),
        old=Claims(false=False, found=True),
        every_seed=Claims(false=True, found=True),
        covered=True,
        called_as_good=False,
        falsely=True,
        seeds=10,
    )
    assert count_of(study) + Counts(studies=1, seeds=20) == Counts(
        studies=2,
        false=1,
        old_false=0,
        every_seed_false=1,
        covered=1,
        found=0,
        old_found=1,
        every_seed_found=1,
        called_as_good=0,
        falsely=1,
        seeds=30,
    )


def test_the_number_of_processes_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    worlds = [
        World(f"a test, {size} contenders", contenders=size, rates=1, images=300, validation=30) for size in (2, 3)
    ]
    alone = [*count_worlds(worlds, 5, 1)]
    monkeypatch.setattr(counts, "AT_ONCE", 2)
    assert [*count_worlds(worlds, 5, 2)] == alone
    assert [one.studies for one in alone] == [5, 5]

"""How what was found of swapped labels is counted, with outcomes that are made up."""

from __future__ import annotations

from typing import Any

from benchmarks.label_issues import SMALL, rates_of


def outcome(swapped: int, doubted: int, found: int) -> dict[str, Any]:
    methods = {"one": {"doubted": doubted, "found": found}, "another": {"doubted": 0, "found": 0}}
    return {"swapped": swapped, "methods": methods}


def test_rounds_are_counted_together() -> None:
    rates = rates_of(SMALL[0], [outcome(10, 12, 9), outcome(20, 8, 7)])
    counted = {(rate.name, rate.what): (rate.times, rate.of) for rate in rates}
    assert counted == {
        ("one", "of the swapped, found"): (16, 30),
        ("one", "of the doubted, swapped"): (16, 20),
        ("another", "of the swapped, found"): (0, 30),  # of nothing there is no share
    }
    assert {rate.group for rate in rates} == {"digits (400 images), 2 seeds, 30 % for validation"}

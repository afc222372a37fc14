"""How often something happened, with Wilson's interval, against targets."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from benchmarks.rate import Rate, rate_tables
from benchmarks.result import make_result


def rate(times: int = 3, of: int = 100, **changes: Any) -> Rate:
    return Rate(**{"group": "equal", "name": "two", "what": "false", "times": times, "of": of, **changes})


def test_the_interval_is_wilsons() -> None:
    # (p + z²/2n ± z sqrt(p (1 - p) / n + z²/4n²)) / (1 + z²/n), with p = 0.03, n = 100, z = 1.959964.
    assert rate().interval == pytest.approx((0.01025, 0.08452), abs=1e-5)
    assert rate(0).interval == pytest.approx((0.0, 0.03699), abs=1e-5)
    assert rate().share == 0.03


@pytest.mark.parametrize(
    ("targets", "met"),
    [
        ({}, True),
        ({"at_most": 0.03}, True),
        ({"at_most": 0.029}, False),
        ({"at_least": 0.03}, True),
        ({"at_least": 0.031}, False),
        ({"upper_below": 0.085}, True),
        ({"at_most": 0.03, "upper_below": 0.084}, False),
    ],
)
def test_a_missed_target_is_shown_and_fails_the_whole(targets: dict[str, float], met: bool) -> None:  # noqa: FBT001
    one = rate(**targets)
    assert one.met() is met
    assert ("missed" in one.shown()) is not met
    assert make_result("trust", [], [], rates=[rate(), one]).met() is met


def test_a_table_for_each_group_with_a_row_for_each_name() -> None:
    rates = [rate(at_most=0.05), rate(what="old"), rate(name="four"), rate(group="better", what="found")]
    rates += [rate(group="unlike", of=of) for of in (40, 1000)]
    console = Console(file=(text := io.StringIO()), width=120)
    for table in rate_tables(rates):
        console.print(table)
    words = " ".join(text.getvalue().split())
    assert "equal, % of 100 studies each" in words
    assert "better, % of 100 studies each" in words
    assert "unlike, % of 40 to 1,000 (95" in words
    assert "false, at most 5" in words
    assert "two │ 3.0 (1.0 to 8.5) │ 3.0 (1.0 to 8.5)" in words
    assert "four │ 3.0 (1.0 to 8.5) │ │" in words

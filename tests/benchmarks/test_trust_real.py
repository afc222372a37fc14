"""What counts as wrong in a pool, with outcomes that are made up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.__main__ import run
from benchmarks.trust_real import real_rates
from tasks.foundation.errors import InputError


def outcome(judgement: str, interval: tuple[float, float] | None, *, leader: str = "adam") -> dict[str, Any]:
    rival = "sgd" if leader == "adam" else "adam"
    return {
        "leader": leader,
        "rivals": {rival: {"judgement": judgement, "interval": interval}},
        "accuracies": {
            "test": {"adam": [0.96, 0.94], "sgd": [0.91, 0.91]},
            "other pools": {"adam": [0.9, 0.9], "sgd": [0.9, 0.9]},
        },
    }


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        (outcome("worse", (-0.06, -0.01)), (0, 1, 0)),  # truly by 0.04
        (outcome("worse", (-0.03, -0.01)), (0, 0, 0)),
        (outcome("better", (0.01, 0.06)), (1, 0, 0)),
        (outcome("better", (0.01, 0.06), leader="sgd"), (0, 1, 0)),
        (outcome("worse", (-0.06, -0.01), leader="sgd"), (1, 0, 0)),
        (outcome("as good", (-0.001, 0.001)), (1, 0, 1)),
        (outcome("undecided", (-0.06, 0.01)), (0, 1, 0)),
        (outcome("undecided", None), (0, 1, 0)),
    ],
)
def test_a_claim_is_held_against_the_mean_of_all_pools(found: dict[str, Any], counts: tuple[int, int, int]) -> None:
    right = outcome("worse", (-0.06, -0.01))
    rates, figures = real_rates([found, right])
    false, covered, falsely = counts
    assert {rate.what: rate.times for rate in rates if rate.name == "on the test images"} == {
        "false claims": false,
        "all intervals hold": covered + 1,
        "called as good and is not": falsely,
    }
    assert {rate.of for rate in rates} == {2}
    by_name = {figure.name: figure.values for figure in figures}
    assert by_name["adam on the test images"] == pytest.approx([0.95, 0.95])
    assert by_name["sgd on the test images"] == pytest.approx([0.91, 0.91])
    assert by_name["sgd less adam, from"][-1] == -0.06


def test_what_is_true_is_looked_for_on_images_of_other_pools_too() -> None:
    """There both are as accurate here, so a claim that one is worse is false."""
    rates, _ = real_rates([outcome("worse", (-0.06, -0.01)), outcome("undecided", (-0.01, 0.01))])
    assert {rate.what: rate.times for rate in rates if rate.name == "on images of other pools"} == {
        "false claims": 1,
        "all intervals hold": 1,
        "called as good and is not": 0,
    }


@pytest.mark.parametrize("names", [(), ("step",), ("trust", "step")])
def test_no_other_benchmark_is_asked_for_real_images(names: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="it belongs to trust alone"):
        run(*names, real=True, output=tmp_path)

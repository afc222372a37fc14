"""Numbers are written as a reader would write them."""

from __future__ import annotations

import math

import pytest

from study.number_formats import counted, in_points, listed, percent, points, points_interval, short_number


@pytest.mark.parametrize(
    ("target", "words"),
    [(0.98, "98 %"), (0.985, "98.5 %"), (0.29, "29 %"), (0.9, "90 %"), (0.9999999, "99.99999 %")],
)
def test_the_target_has_no_needless_digits(target: float, words: str) -> None:
    assert percent(target) == words


@pytest.mark.parametrize(
    ("accuracy", "words"),
    [(0.002, "0.2 points"), (0.01, "1 point"), (0.123456, "12.35 points"), (0.1, "10 points"), (-0.00001, "0 points")],
)
def test_differences_are_in_percentage_points(accuracy: float, words: str) -> None:
    assert in_points(accuracy) == words


def test_intervals_of_points() -> None:
    assert points_interval((-0.0101, 0.00004)) == " [-1.01, 0]"
    assert points_interval(None) == ""
    assert points(0.0) == "0"


def test_counts_and_lists() -> None:
    assert (counted(1, "seed"), counted(2, "seed"), counted(2.5, "epoch")) == ("1 seed", "2 seeds", "2.5 epochs")
    assert (listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])) == ("a", "a and b", "a, b and c")
    assert (short_number(math.inf), short_number(2.0), short_number(2 / 3)) == ("never", "2", "0.67")

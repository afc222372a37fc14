"""Names in the order that a person expects."""

from __future__ import annotations

from itertools import permutations

import pytest

from tasks.sources.natural_order import natural_key


@pytest.mark.parametrize(
    "ordered",
    [
        ["1", "2", "10", "11", "100"],
        ["class 2", "class 10", "Class 11"],
        ["apple", "Banana", "cherry"],
        ["eau", "éclair", "été", "four"],
        ["Österreich", "Polen", "Ungarn"],
        ["0", "1", "9", "a", "b"],
        ["犬", "猫"],
        ["a 1", "a 1 b", "a 2"],
        ["01", "1", "2"],
        ["", "a"],
    ],
)
def test_the_order_that_a_person_expects(ordered: list[str]) -> None:
    for mixed in permutations(ordered):
        assert sorted(mixed, key=natural_key) == ordered


def test_names_that_differ_in_case_or_accent_alone_have_an_order_too() -> None:
    names = ["cat", "Cat", "CAT", "càt"]
    assert len({tuple(sorted(mixed, key=natural_key)) for mixed in permutations(names)}) == 1

"""Reading one ahead, in order."""

from __future__ import annotations

import threading

import pytest

from tasks.data.read_ahead import read_ahead


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_all_is_read_once_in_order(count: int) -> None:
    read: list[int] = []

    def square(number: int) -> int:
        read.append(number)
        return number**2

    assert list(read_ahead(square, range(count))) == [number**2 for number in range(count)]
    assert read == list(range(count))


def test_the_next_is_read_while_one_is_used_and_no_more() -> None:
    second, third = threading.Event(), threading.Event()

    def read(number: int) -> int:
        (threading.Event(), second, third)[number].set()
        return number

    blocks = read_ahead(read, range(3))
    assert next(blocks) == 0
    assert second.wait(60)
    assert not third.is_set()
    assert list(blocks) == [1, 2]


def test_an_error_is_raised_where_its_block_is_due() -> None:
    blocks = read_ahead(lambda number: 1 // number, [1, 0])
    assert next(blocks) == 1
    with pytest.raises(ZeroDivisionError):
        next(blocks)

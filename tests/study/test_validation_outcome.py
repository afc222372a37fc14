"""Which validation images a trial got right: what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from study.validation_outcome import ValidationOutcome


def outcome(examples: list[int], right: list[bool]) -> ValidationOutcome:
    return ValidationOutcome(np.array(examples, dtype=np.int64), np.array(right, dtype=np.bool_))


def test_examples_are_known_by_their_numbers() -> None:
    assert outcome([1, 4], [True, False]).right.tolist() == [True, False]
    assert outcome([], []).examples.tolist() == []


@pytest.mark.parametrize("examples", [[4, 1], [1, 1]])
def test_numbers_in_another_order_are_refused(examples: list[int]) -> None:
    with pytest.raises(ValueError, match="ascending, each once"):
        outcome(examples, [True, False])


@pytest.mark.parametrize("right", [[], [True], [[True], [False]]])
def test_other_shapes_are_refused(right: list[bool]) -> None:
    with pytest.raises(ValueError, match=r"as many values; received \(2,\) and"):
        outcome([1, 4], right)

"""Which examples are chosen for a split."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.data.splits import require_labels, stratified_choice
from tasks.foundation.errors import InputError

LABELS = st.lists(st.integers(0, 5), min_size=1, max_size=80).map(np.array)
FRACTIONS = st.floats(0.01, 0.99)


@given(LABELS, FRACTIONS, st.integers(0, 2**32))
def test_stratified_choice_takes_the_share_of_each_class_but_never_all(
    labels: np.ndarray, fraction: float, seed: int
) -> None:
    chosen = stratified_choice(labels, fraction, seed=seed)
    np.testing.assert_array_equal(chosen, np.unique(chosen))
    np.testing.assert_array_equal(chosen, stratified_choice(labels, fraction, seed=seed))
    for label, members in zip(*np.unique(labels, return_counts=True), strict=True):
        taken = np.count_nonzero(labels[chosen] == label)
        assert taken < members
        assert taken >= min(1, members - 1)
        assert abs(taken - fraction * members) <= 1


def test_stratified_choice_depends_on_the_seed() -> None:
    labels = np.repeat(np.arange(4), 50)
    assert not np.array_equal(stratified_choice(labels, 0.3, seed=0), stratified_choice(labels, 0.3, seed=1))


def test_labels_outside_of_the_classes_are_told_by_split() -> None:
    labels, kept = np.array([0, 1, -1, 1, 2, 3, -1]), {"train": 4, "test": 3}
    with pytest.raises(InputError) as error:
        require_labels("tiny", labels, kept, ["a", "b", "c"])
    assert (
        "3 classes (0 to 2), for 1 of 4 examples of the train split (they have -1) and 2 of 3 examples of the test "
        "split (they have -1, 3); choose"
    ) in str(error.value)


def test_labels_of_the_classes_may_be() -> None:
    require_labels("tiny", np.array([0, 1, 2]), {"train": 3}, ["a", "b", "c"])

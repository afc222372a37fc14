"""Which examples are chosen for a split."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.data.splits import stratified_choice

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

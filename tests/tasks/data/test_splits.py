"""Which examples are chosen for a split."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.data.drawing import stratified_choice
from tasks.data.splits import SPLIT_SEED, redrawn_splits, require_labels, split_examples
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


def test_the_choice_of_now_is_that_of_always() -> None:
    labels = np.array([2, 0, 0, 1, 2, 2, 0, 2, 1, 0, 0, 2, 3])
    assert stratified_choice(labels, 0.4, seed=20_201).tolist() == [0, 1, 4, 6, 8]


@given(LABELS, FRACTIONS, st.integers(1, 2**32 - 1))
def test_another_split_is_drawn_from_the_same_images_by_class(
    labels: np.ndarray, fraction: float, split_seed: int
) -> None:
    labels = np.concatenate([np.repeat(np.arange(6), 3), labels])
    base = split_examples(labels, {"train": len(labels) - 5, "test": 5}, fraction)
    drawn = redrawn_splits(labels, base["train"], base["validation"], split_seed)
    pool = np.union1d(base["train"], base["validation"])
    np.testing.assert_array_equal(np.sort(np.concatenate([drawn["train"], drawn["validation"]])), pool)
    for split, indices in drawn.items():
        assert indices.dtype == np.int64
        np.testing.assert_array_equal(indices, np.unique(indices))
        np.testing.assert_array_equal(np.bincount(labels[indices]), np.bincount(labels[base[split]]))
    expected = pool[stratified_choice(labels[pool], fraction, seed=(SPLIT_SEED + 1, split_seed))]
    np.testing.assert_array_equal(drawn["validation"], expected)


def test_another_split_by_hand() -> None:
    labels = np.array([0, 0, 1, 1, 1, 1, 0, 1])
    train, validation = np.array([0, 2, 3, 6]), np.array([1, 4, 5])  # 7 is for testing
    drawn = [redrawn_splits(labels, train, validation, seed)["validation"].tolist() for seed in range(1, 300)]
    assert {(*np.sort(labels[each]).tolist(),) for each in drawn} == {(0, 1, 1)}
    assert {number for each in drawn for number in each} == set(range(7))
    assert len(set(map(tuple, drawn))) == 3 * 6  # every choice of one of three and two of four, sooner or later
    again = redrawn_splits(labels, train, validation, 1)
    assert again["validation"].tolist() == drawn[0]

"""Which class is taken for which."""

from __future__ import annotations

import numpy as np

from study.confused_pairs import ConfusedPair, confused_pairs


def test_pairs_have_a_direction_and_come_by_how_often_they_are_confused() -> None:
    labels = np.array([4, 4, 4, 4, 9, 9, 1, 1, 7])
    predicted = np.array([9, 9, 4, 1, 4, 9, 1, 7, 7])
    found = confused_pairs(labels, predicted, 10)
    assert found == (
        ConfusedPair(label=4, predicted=9, times=2, of=4),
        ConfusedPair(label=1, predicted=7, times=1, of=2),
        ConfusedPair(label=4, predicted=1, times=1, of=4),
        ConfusedPair(label=9, predicted=4, times=1, of=2),
    )
    assert confused_pairs(labels, predicted, 2) == found[:2]


def test_without_a_mistake_there_is_no_pair() -> None:
    labels = np.array([0, 1, 2])
    assert confused_pairs(labels, labels, 10) == ()


def test_many_classes_take_no_matrix_of_them() -> None:
    labels = np.arange(100_000)
    (first, second) = confused_pairs(labels, (labels + 1) % 100_000, 2)
    assert (first.label, first.predicted, second.label) == (0, 1, 1)

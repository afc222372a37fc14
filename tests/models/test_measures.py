from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import metrics

from models.measures import among_largest, balanced_accuracy, class_measures, confusion_counts, macro_f1

CLASSES = 6


def drawn(seed: int, of_labels: list[int], of_predictions: list[int]) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.choice(of_labels, 80).astype(np.int32)
    guesses = random.choice(of_predictions, 80).astype(np.int32)
    may_be_right = np.isin(labels, of_predictions) & (random.random(80) < 0.5)
    return labels, np.where(may_be_right, labels, guesses)


EVERY = list(range(CLASSES))
CASES = {
    "all classes occur": (EVERY, EVERY),
    "a class has no example": ([0, 1, 2, 4, 5], EVERY),
    "a class is never predicted": (EVERY, [0, 1, 2, 4, 5]),
    "a class occurs nowhere": ([0, 1, 3, 4, 5], [0, 1, 3, 4, 5]),
    "one class is predicted whatever is shown": (EVERY, [2]),
    "nothing is right": ([0, 1], [4, 5]),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_measures_are_those_of_scikit_learn(case: tuple[list[int], list[int]], seed: int) -> None:
    labels, predicted = drawn(seed, *case)
    counts = confusion_counts(labels, predicted, CLASSES)
    by_class = class_measures(labels, predicted, CLASSES)
    np.testing.assert_array_equal(counts, metrics.confusion_matrix(labels, predicted, labels=EVERY))
    with warnings.catch_warnings():  # of what is predicted and has no example
        warnings.simplefilter("ignore", UserWarning)
        assert balanced_accuracy(by_class) == pytest.approx(metrics.balanced_accuracy_score(labels, predicted))
    expected = metrics.f1_score(labels, predicted, average="macro", zero_division=0)
    assert macro_f1(by_class) == pytest.approx(expected)
    ours = (by_class.precision, by_class.recall, by_class.f1, by_class.support)
    theirs = metrics.precision_recall_fscore_support(labels, predicted, labels=EVERY, zero_division=0)
    for mine, its in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, its)


def test_measures_worked_out_by_hand() -> None:
    # Eight of class 0, of which six are right; two of class 1, of which one is.
    labels, predicted = np.array([0] * 8 + [1] * 2, np.int32), np.array([0] * 6 + [1] * 2 + [0, 1], np.int32)
    by_class = class_measures(labels, predicted, 2)
    assert balanced_accuracy(by_class) == pytest.approx((6 / 8 + 1 / 2) / 2)
    assert macro_f1(by_class) == pytest.approx((2 * 6 / (8 + 7) + 2 * 1 / (2 + 3)) / 2)


def test_a_guess_that_is_always_the_largest_class_is_worth_nothing_but_in_accuracy() -> None:
    labels, predicted = np.repeat([0, 1], [95, 5]).astype(np.int32), np.zeros(100, np.int32)
    assert np.mean(labels == predicted) == 0.95
    by_class = class_measures(labels, predicted, 2)
    assert balanced_accuracy(by_class) == 0.5
    assert macro_f1(by_class) < 0.5


def test_of_equal_logits_those_of_lower_labels_come_first_as_in_a_prediction() -> None:
    # A model that says the same of all classes guesses the first five, and is right about these alone.
    logits, labels = np.zeros((12, 12), np.float32), np.arange(12, dtype=np.int32)
    np.testing.assert_array_equal(among_largest(logits, labels, 5), labels < 5)
    np.testing.assert_array_equal(among_largest(logits, labels, 1), labels == logits.argmax(axis=1))

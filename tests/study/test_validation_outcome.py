"""How a trial did on each of its images: what that comes to by each metric, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import metrics

from study.metric import Metric
from study.validation_outcome import ValidationOutcome, outcome_of

CLASSES = range(5)


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.choice(CLASSES, 60, p=(0.5, 0.3, 0.15, 0.05, 0.0)).astype(np.int32)
    guesses = random.choice(CLASSES, 60).astype(np.int32)
    return labels, np.where(random.random(60) < 0.6, labels, guesses)


def outcome(examples: list[int], right: list[bool]) -> ValidationOutcome:
    return ValidationOutcome(np.array(examples, dtype=np.int64), np.array(right, dtype=np.bool_))


def test_examples_are_known_by_their_numbers() -> None:
    assert outcome([1, 4], [True, False]).credit.tolist() == [True, False]
    assert outcome([], []).examples.tolist() == []


@pytest.mark.parametrize("examples", [[4, 1], [1, 1]])
def test_numbers_in_another_order_are_refused(examples: list[int]) -> None:
    with pytest.raises(ValueError, match="ascending, each once"):
        outcome(examples, [True, False])


@pytest.mark.parametrize("right", [[], [True], [[True], [False]]])
def test_other_shapes_are_refused(right: list[bool]) -> None:
    with pytest.raises(ValueError, match=r"as many values; received \(2,\) and"):
        outcome([1, 4], right)


def scored(metric: Metric, labels: np.ndarray, predicted: np.ndarray) -> float:
    if metric == "macro_f1":
        return float(metrics.f1_score(labels, predicted, average="macro", zero_division=0))
    with warnings.catch_warnings():  # of what is predicted and has no example
        warnings.simplefilter("ignore", UserWarning)
        ways = {"accuracy": metrics.accuracy_score, "balanced_accuracy": metrics.balanced_accuracy_score}
        return float(ways[metric](labels, predicted))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "macro_f1"])
def test_the_mean_credit_is_the_score(metric: Metric, seed: int) -> None:
    labels, predicted = drawn(seed)
    found = outcome_of(metric, np.arange(60), labels, predicted)
    assert found.credit.mean() == pytest.approx(scored(metric, labels, predicted))


def test_an_image_that_is_right_counts_by_how_rare_its_class_is() -> None:
    labels, predicted = np.array([0] * 8 + [1] * 2, np.int32), np.array([0] * 6 + [1] * 3 + [0], np.int32)
    found = outcome_of("balanced_accuracy", np.arange(10), labels, predicted)
    # Of ten images, a class of eight and one of two: 10 / (2 * 8) and 10 / (2 * 2).
    assert found.credit.tolist() == [0.625] * 6 + [0.0] * 2 + [2.5, 0.0]
    assert found.heaviest == 2.5


def test_where_classes_are_of_one_size_balanced_accuracy_is_accuracy_image_by_image() -> None:
    labels, predicted = np.array([0, 0, 1, 1], np.int32), np.array([0, 1, 1, 0], np.int32)
    balanced, plain = (
        outcome_of(metric, np.arange(4), labels, predicted) for metric in ("balanced_accuracy", "accuracy")
    )
    assert balanced.credit.tolist() == plain.credit.tolist()
    assert balanced.heaviest == plain.heaviest == 1.0


def test_the_credit_of_macro_f1_is_what_an_image_more_of_its_kind_would_change() -> None:
    labels, predicted = drawn(0)
    found, before = outcome_of("macro_f1", np.arange(60), labels, predicted), scored("macro_f1", labels, predicted)
    times = 10_000
    for image in range(60):
        # Ten thousand copies of all images and one more of this: its influence, but for a ten-thousandth.
        counts = np.full(60, times) + (np.arange(60) == image)
        after = metrics.f1_score(labels, predicted, average="macro", zero_division=0, sample_weight=counts)
        assert (after - before) * 60 * times == pytest.approx(found.credit[image] - before, abs=1e-3)

"""The loss of each image, from what is kept of a model's predictions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from study.example_loss import SMALLEST, are_probabilities, example_losses, shares, worst


def test_the_loss_is_the_negative_log_of_the_labels_probability() -> None:
    probabilities = np.array([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0]], np.float32)
    losses = example_losses(probabilities, np.array([1, 1]))
    assert losses.tolist() == pytest.approx([math.log(4), 0.0])


def test_a_probability_that_float16_calls_0_has_the_largest_loss_that_there_is() -> None:
    kept = np.array([[1e-9, 1 - 1e-9]]).astype(np.float16)
    assert kept[0, 0] == 0
    (loss,) = example_losses(shares(kept), np.array([0]))
    assert loss == pytest.approx(24 * math.log(2))
    assert np.float16(SMALLEST) > 0 == np.float16(SMALLEST / 2)


def test_what_is_no_probability_is_clipped_and_divided_by_its_sum() -> None:
    said = np.array([[1.5, 0.25, -0.5], [0.25, 0.25, 0.0], [-1.0, -2.0, 0.0], [np.nan, 0.5, 65504.0]])
    expected = [[0.8, 0.2, 0.0], [0.5, 0.5, 0.0], [1 / 3, 1 / 3, 1 / 3], [0.0, 1 / 3, 2 / 3]]
    np.testing.assert_allclose(shares(said), expected, rtol=1e-6)


def test_a_softmax_that_was_rounded_to_float16_stays_what_it_is() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 300))
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    kept = softmax.astype(np.float16)
    np.testing.assert_allclose(shares(kept), softmax, rtol=2e-3)
    np.testing.assert_allclose(shares(kept).sum(axis=1), 1, rtol=1e-6)
    assert are_probabilities(kept)
    for outputs in ([[0.6, 0.6]], [[1.2, -0.2]], [[np.nan, 1.0]]):
        assert not are_probabilities(np.array(outputs, np.float16))


def test_the_worst_are_the_largest_losses_and_of_equal_ones_those_that_are_surest() -> None:
    losses, confidence = np.array([1.0, 16.6, 16.6, 2.0, 16.6]), np.array([0.5, 0.8, 0.99, 0.6, 0.99], np.float32)
    assert worst(losses, confidence, 4).tolist() == [2, 4, 1, 3]
    assert worst(losses, confidence, 24).tolist() == [2, 4, 1, 3, 0]
    assert worst(losses[:0], confidence[:0], 24).tolist() == []

"""The reliability curve and the expected calibration error, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from study.calibration import BINS, reliability


def test_the_error_is_the_mean_distance_between_how_sure_and_how_right() -> None:
    # Two bins of half the range. Up to 0.5: 0.3 and 0.5, sure 0.4, right 1 of 2. Above: 0.6, 0.9 and 0.9, sure 0.8,
    # right 1 of 3. Error: 2/5 |0.5 - 0.4| + 3/5 |1/3 - 0.8| = 0.04 + 0.28.
    found = reliability(np.array([0.3, 0.9, 0.5, 0.6, 0.9]), np.array([True, False, False, True, False]), bins=2)
    assert [(one.above, one.to, one.answers) for one in found.bins] == [(0.0, 0.5, 2), (0.5, 1.0, 3)]
    assert [(one.confidence, one.accuracy) for one in found.bins] == [
        (pytest.approx(0.4), 0.5),
        (pytest.approx(0.8), pytest.approx(1 / 3)),
    ]
    assert found.error == pytest.approx(0.32)
    assert (found.answers, found.confidence, found.accuracy) == (5, pytest.approx(0.64), pytest.approx(0.4))


def test_a_probability_at_an_edge_belongs_to_the_bin_below_it() -> None:
    edges = np.arange(1, BINS + 1) / BINS
    found = reliability(edges, np.full(BINS, fill_value=True))
    assert [one.answers for one in found.bins] == [1] * BINS
    assert [one.to for one in found.bins] == edges.tolist()


def test_bins_without_an_answer_are_left_out() -> None:
    found = reliability(np.array([0.0, 1.0]), np.array([False, True]))
    assert [(one.above, one.answers) for one in found.bins] == [(0.0, 1), ((BINS - 1) / BINS, 1)]
    assert found.error == 0


def test_a_model_that_is_as_right_as_it_says_has_next_to_no_error() -> None:
    random = np.random.default_rng(0)
    confidence = random.uniform(0.1, 1, 200_000)
    right = random.random(200_000) < confidence
    assert reliability(confidence, right).error < 0.005
    assert reliability(confidence, random.random(200_000) < confidence - 0.1).error == pytest.approx(0.1, abs=0.005)


def test_nothing_is_said_of_no_answers() -> None:
    with pytest.raises(ValueError, match="at least one answer"):
        reliability(np.zeros(0), np.zeros(0, bool))

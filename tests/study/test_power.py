"""What a comparison could show before it runs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from study.plan import ContenderPlan, Plan
from study.power import binomial_variance, smallest_difference


def plan(contenders: int, looks: tuple[int, ...]) -> Plan:
    asked = tuple(
        ContenderPlan(optimizer=f"optimizer {number}", loss="mse", batch_size=32, learning_rates=(0.1,))
        for number in range(contenders)
    )
    return Plan(
        contenders=asked, seeds=3, looks=looks, margin=0.002, target=0.98, training_images=900, validation_images=100
    )


@pytest.mark.parametrize(
    ("contenders", "seeds", "deviations"),
    [(2, 3, 3.3), (4, 3, 5.7), (2, 5, 1.7), (4, 5, 2.3), (2, 10, 1.0), (4, 10, 1.2)],
)
def test_known_smallest_differences(contenders: int, seeds: int, deviations: float) -> None:
    # Simulated elsewhere: the smallest effect found with 80 %, in standard deviations, corrected for the rivals.
    assert smallest_difference(plan(contenders, (seeds,)), seeds, 1.0) == pytest.approx(deviations, abs=0.06)


def test_it_is_found_in_80_of_100_studies() -> None:
    asked, seeds, variance = plan(3, (5, 10)), 10, 0.004**2
    difference = smallest_difference(asked, seeds, variance)
    drawn = np.random.default_rng(0).normal(difference, 0.004, (20_000, seeds))
    level = 0.05 / (2 * 2)
    found = stats.ttest_1samp(drawn, 0.0, axis=1, alternative="greater").pvalue < level / 2
    assert found.mean() == pytest.approx(0.8, abs=0.01)


def test_what_images_alone_do_to_a_difference() -> None:
    # Two networks that get 98 of 100 right, each image by itself: 0.98 * 0.02 / 100, twice.
    assert binomial_variance(plan(2, (5,))) == pytest.approx(2 * 0.98 * 0.02 / 100)

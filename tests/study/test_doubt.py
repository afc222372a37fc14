"""What would decide between two contenders: seeds, images, or neither; worked out by hand."""

from __future__ import annotations

import pytest

from study.answer import Doubt
from study.doubt import doubt_of
from study.paired_difference import PairedDifference
from tests.support.trials import plan_of

MANY = 10**9  # validation images, so that a single one weighs nothing


def doubted(mean: float, *, seeds: int = 5, seed: float = 1e-4, common: float = 1e-6) -> Doubt:
    difference = PairedDifference(mean, seeds, seed, common, MANY, images_known=True)
    return doubt_of(difference, plan_of(looks=()), level=0.05, rivals=1)


def test_half_widths_now_with_20_seeds_and_with_any_number() -> None:
    found = doubted(0.005)
    # Student's t of 4 and of 19 degrees, and the normal one.
    assert found.half_width == pytest.approx(2.776445 * (1e-4 / 5 + 1e-6) ** 0.5, rel=1e-5)
    assert found.with_more_seeds == pytest.approx(2.093024 * (1e-4 / 20 + 1e-6) ** 0.5, rel=1e-5)
    assert found.with_any_seeds == pytest.approx(1.959964 * 1e-3, rel=1e-5)
    assert found.images_known


def test_seeds_that_decide_it_are_the_fewest_with_a_half_width_below_the_difference() -> None:
    # 18 seeds: 2.109816 * sqrt(1e-4 / 18 + 1e-6) = 0.00540; 21: 2.085963 * sqrt(...) = 0.005007; 22: 0.004898.
    assert doubted(0.005).seeds_to_decide == 22
    assert doubted(-0.005).seeds_to_decide == 22  # worse or better is the same


def test_a_small_difference_is_decided_when_the_interval_fits_into_the_margin() -> None:
    # 0.0005 from 0 and 0.0015 from the margin, which is the nearer aim; the images alone leave 0.00196.
    assert doubted(0.0005).seeds_to_decide is None
    # Without images that are shared: 2 * sqrt(1e-4 / n) < 0.0015 asks for about 180 seeds.
    found = doubted(0.0005, common=0).seeds_to_decide
    assert found is not None
    assert 165 < found < 185


def test_the_level_is_that_of_a_study_with_one_look_more() -> None:
    difference = PairedDifference(0.005, 5, 1e-4, 1e-6, MANY, images_known=True)
    one = doubt_of(difference, plan_of(looks=()), level=0.05, rivals=1)
    more = doubt_of(difference, plan_of(looks=(5, 10, 20)), level=0.05, rivals=2)  # 0.05 / 8
    assert one.half_width == more.half_width
    assert one.seeds_to_decide is not None
    assert more.seeds_to_decide is not None
    assert more.seeds_to_decide > one.seeds_to_decide


def test_images_that_decide_it() -> None:
    found = doubted(0.0005)
    assert found.images_to_decide == pytest.approx((2.776445**2 * (1e-4 / 5 + 1e-6)) / 0.0015**2, rel=1e-5)


def test_no_number_of_images_where_nothing_can_be_decided() -> None:
    difference = PairedDifference(0.0, 5, 1e-4, 1e-6, MANY, images_known=True)
    found = doubt_of(difference, plan_of(looks=(), margin=0.0), level=0.05, rivals=1)
    assert (found.seeds_to_decide, found.images_to_decide) == (None, None)

"""The variance of a difference: of the seeds, and of the images that they have in common, worked out on paper."""

from __future__ import annotations

import math

import numpy as np
import pytest

from study.comparison import Trial
from study.paired_difference import covariance_on_an_image, paired_difference, quantile
from study.validation_outcome import ValidationOutcome
from tests.support.trials import confirms, judged_by, plan_of, trial

PLAN = plan_of(training_images=2, validation_images=4)
# Two seeds, each judged by four of the images 0 to 5. Where only sgd is right the difference is 1, where only adam is
# right -1: (1, 0, -1, 0) on the first, of mean 0, and (-1, 0, 1, 1) on the second, of mean 0.25.
ADAM = [judged_by([0, 1, 2, 3], {0}), judged_by([2, 3, 4, 5], {4, 5}, 1)]
SGD = [judged_by([0, 1, 2, 3], {2}, optimizer="sgd"), judged_by([2, 3, 4, 5], {2}, 1, optimizer="sgd")]


def test_the_covariance_on_an_image() -> None:
    # Both seeds had image 2, with deviations of -1 and -1.25, and image 3, with 0 and -0.25: (1.25 + 0) / 2.
    assert covariance_on_an_image([*zip(SGD, ADAM, strict=True)]) == pytest.approx(0.625)
    # Against itself the mean of the difference is 0, and nothing is left.
    assert covariance_on_an_image([*zip(ADAM, ADAM, strict=True)]) == 0


def test_the_covariance_is_over_all_pairs_of_seeds_and_at_least_nothing() -> None:
    right, wrong = ([judged_by([0, 1], missed, number) for number in range(3)] for missed in ([], [0]))
    # Deviations of 0.5 and -0.5 on each of three seeds: every product is 0.25.
    assert covariance_on_an_image([*zip(right, wrong, strict=True)]) == pytest.approx(0.25)
    # On the first seed the second image was missed instead, so that two of three products are -0.25 on either image.
    turned = [judged_by([0, 1], {1}), *wrong[1:]]
    assert covariance_on_an_image([*zip(right, turned, strict=True)]) == 0


def test_images_of_a_rare_class_count_by_their_weight() -> None:
    # Images 2 and 3 count four times in either trial of a seed; each image of a pair is shared.
    def weighed(trial: Trial) -> Trial:
        assert trial.validated
        heavy = np.where(np.isin(trial.validated.examples, [2, 3]), 4.0, 1.0)
        validated = ValidationOutcome(trial.validated.examples, trial.validated.credit * heavy, 4.0)
        return trial.model_copy(update={"validated": validated})

    ones, others = [*map(weighed, SGD)], [*map(weighed, ADAM)]
    # Differences of (1, 0, -4, 0), of mean -0.75, and of (-4, 0, 1, 1), of mean -0.5: on image 2 -3.25 * -3.5, on
    # image 3 0.75 * 0.5.
    assert covariance_on_an_image([*zip(ones, others, strict=True)]) == pytest.approx((3.25 * 3.5 + 0.75 * 0.5) / 2)
    difference = paired_difference(ones, others, PLAN)
    assert difference is not None
    assert difference.heaviest == 4.0
    apart = difference.seed_variance / 2 + difference.common_variance
    assert difference.half_width(0.05) == pytest.approx(12.7062 * math.sqrt(apart + (4 / 8) ** 2), rel=1e-5)


def test_a_diverged_trial_got_none_of_its_partners_images_right() -> None:
    diverged = [trial(outcome="diverged", optimizer="sgd", seed=one.seed) for one in ADAM]
    # Differences of (0, -1, -1, -1), of mean -0.75, and of (-1, -1, 0, 0), of mean -0.5. The images 2 and 3 are shared:
    # -0.25 * -0.5 on either.
    assert covariance_on_an_image([*zip(diverged, ADAM, strict=True)]) == pytest.approx(0.125)
    # Where both diverged nothing differs, and nothing is left of which two seeds could have anything in common.
    assert covariance_on_an_image([(diverged[0], diverged[0]), (SGD[1], ADAM[1])]) is None


def test_images_that_only_one_of_a_pair_was_judged_by_are_left_out() -> None:
    wider = [judged_by([0, 1, 2, 3, 9], {2, 9}), judged_by([2, 3, 4, 5, 9], {2}, 1)]
    assert covariance_on_an_image([*zip(wider, ADAM, strict=True)]) == pytest.approx(0.625)


def test_the_variance_is_that_of_the_seeds_of_the_images_and_of_one_image() -> None:
    difference = paired_difference(SGD, ADAM, PLAN)
    assert difference is not None
    assert (difference.mean, difference.seeds, difference.images_known) == (0.125, 2, True)
    assert difference.seed_variance == pytest.approx(0.25**2 / 2)
    assert difference.common_variance == pytest.approx(0.625 / 6)
    # Student's t of one degree; an image in all of two seeds of four is an eighth.
    reach = 12.7062 * math.sqrt(0.03125 / 2 + 0.625 / 6 + 1 / 8**2)
    assert difference.half_width(0.05) == pytest.approx(reach, rel=1e-5)
    assert difference.interval(0.05) == pytest.approx((0.125 - reach, 0.125 + reach), rel=1e-5)
    # With 20 seeds, t has 19 degrees; with any number it is normal, and the seeds' part is gone.
    assert difference.half_width(0.05, 20) == pytest.approx(
        2.093024 * math.sqrt(0.03125 / 20 + 0.625 / 6 + 1 / 80**2), rel=1e-5
    )
    assert difference.floor(0.05) == pytest.approx(1.959964 * math.sqrt(0.625 / 6), rel=1e-5)


@pytest.mark.parametrize("lost", [SGD[0], ADAM[1]])
def test_without_predictions_the_images_part_is_too_large_rather_than_too_small(lost: Trial) -> None:
    without = [
        [one.model_copy(update={"validated": None}) if one is lost else one for one in each] for each in (SGD, ADAM)
    ]
    difference = paired_difference(*without, PLAN)
    assert difference is not None
    assert not difference.images_known
    assert difference.common_variance == pytest.approx(0.03125 * 4 / 2)


def test_seeds_that_share_no_image_say_nothing_of_what_they_have_in_common() -> None:
    apart = [judged_by([0, 1], {0}), judged_by([2, 3], {2, 3}, 1)]
    right = [judged_by([0, 1], ()), judged_by([2, 3], (), 1)]
    assert covariance_on_an_image([*zip(right, apart, strict=True)]) is None


def test_only_seeds_that_both_have_are_compared() -> None:
    difference = paired_difference(confirms("sgd", [0.5, 0.6, 0.7]), confirms("adam", [0.4, 0.6]), PLAN)
    assert difference is not None
    assert (difference.seeds, difference.mean) == (2, pytest.approx(0.05))
    assert paired_difference(confirms("sgd", [0.5]), [], PLAN) is None


def test_a_single_seed_tells_nothing_of_the_spread() -> None:
    difference = paired_difference(confirms("sgd", [0.5]), confirms("adam", [0.4]), PLAN)
    assert difference is not None
    assert difference.seed_variance == 0
    assert difference.half_width(0.05) == math.inf


def test_rounding_tells_nobody_apart() -> None:
    # Differences of 0.1, 0.2 and -0.3 add up to nothing, in floating point to 8e-17.
    difference = paired_difference(confirms("sgd", [0.9, 0.9, 0.5]), confirms("adam", [0.8, 0.7, 0.8]), PLAN)
    assert difference is not None
    assert str(difference.mean) == "0.0"
    difference = paired_difference(confirms("sgd", [0.1 + 0.2] * 3), confirms("adam", [0.3] * 3), PLAN)
    assert difference is not None
    assert (difference.mean, difference.seed_variance) == (0.0, 0.0)  # one unit in the last place on every seed


def test_where_no_seed_saw_a_difference_the_next_image_may() -> None:
    same = [judged_by([0, 1, 2, 3], {1}, number) for number in range(5)]
    difference = paired_difference(same, same, PLAN)
    assert difference is not None
    assert (difference.mean, difference.seed_variance, difference.common_variance) == (0.0, 0.0, 0.0)
    reach = 2.776445 / 20
    assert difference.interval(0.05) == pytest.approx((-reach, reach), rel=1e-5)


def test_quantiles_are_those_of_the_tables() -> None:
    assert quantile(0.05, 4) == pytest.approx(2.7764, abs=1e-4)
    assert quantile(0.01, 9) == pytest.approx(3.2498, abs=1e-4)

"""The words warn of what the numbers do not show, and of nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from study.cautions import cautions
from tests.support.contenders import RATES, answer, contender, doubt, plan_with, rival, setting, warned


def test_no_caution_without_need() -> None:
    assert warned(contender(), contender("sgd")) == ()
    assert warned(contender(confirmed=False), contender("sgd", confirmed=False)) == ()


def test_one_contender_or_none() -> None:
    assert warned(contender()) == ("There is no contender but adam: it is compared with none.",)
    assert warned() == ("There is no contender: nothing is compared.",)


@pytest.mark.parametrize(
    ("rate", "rates", "said"),
    [
        (0.0001, RATES, "the smallest of its learning rates, 0.0001 of 0.0001 to 0.01"),
        (0.01, RATES, "the largest of its learning rates, 0.01 of 0.0001 to 0.01"),
        (0.1, (*RATES, 0.1), "the largest of its learning rates, 0.1 of 0.0001 to 0.1, of which 1 rate was added"),
        (
            1e-6,
            (1e-6, 1e-5, *RATES),
            "the smallest of its learning rates, 1e-06 of 1e-06 to 0.01, of which 2 rates were added",
        ),
    ],
)
def test_the_edge_of_the_range_and_which_way_to_widen_it(rate: float, rates: tuple[float, ...], said: str) -> None:
    sgd = contender("sgd", learning_rates=rates, learning_rate=rate, at_edge=True)
    where = "below" if rate == rates[0] else "above"
    assert warned(contender(), sgd) == (f"sgd is best with {said}: it may do better yet; try {where} {rate:g}.",)


def test_one_learning_rate() -> None:
    one = {"learning_rates": (0.001,)}
    assert warned(contender(**one), contender("sgd", **one), contender("lion", **one)) == (
        "Only one learning rate was tried with adam, sgd and lion: the answer is of these settings, not of optimizers.",
    )


def test_diverged_trials_matter_at_the_best_learning_rate_only() -> None:
    both = [contender(diverged=3), contender("sgd", diverged=1)]
    settings = [
        setting(both[0], diverged=2),
        setting(both[0], diverged=1, learning_rate=0.01),
        setting(both[1], diverged=0),
        setting(both[1], diverged=1, learning_rate=0.01),
    ]
    assert cautions(plan_with("adam", "sgd"), both, settings, answer(rival()), []) == (
        "Diverged at the best learning rate, and counted as accuracy 0: 2 of 7 trials of adam.",
    )


def test_failed_trials() -> None:
    assert warned(contender(failed=2), contender("sgd"), contender("lion", failed=1)) == (
        "Failed trials, which count for nothing: 2 of adam, 1 of lion.",
    )
    assert warned(contender(), contender("sgd"), left_out=("lion", "nadam")) == (
        "Nothing is known of lion and nadam: every trial failed.",
    )


def test_predictions_that_were_not_kept() -> None:
    unknown = rival(doubt=doubt(images_known=False))
    assert warned(contender(), contender("sgd"), said=answer(unknown, rival("lion"))) == (
        (
            "Not every confirm trial has kept its predictions, so that the images' part of the doubt about sgd is a "
            "rule of thumb, and too large rather than too small."
        ),
    )


def test_a_single_confirm_seed() -> None:
    both = [contender(seeds=1), contender("sgd", seeds=1)]
    alone = answer(rival(judgement="undecided", seeds=1, interval=None, doubt=None))
    settings = [setting(one) for one in both]
    (said,) = cautions(plan_with("adam", "sgd", looks=(1,)), both, settings, alone, [])
    assert said == ("With a single confirm seed nothing is known of the spread: sgd cannot be judged; give more looks.")
    assert cautions(plan_with("adam", "sgd"), both, settings, alone, []) == ()  # the look at five is still to come


LOPSIDED: dict[str, Any] = {"scores": (0.981, 0.98, 0.95, 0.982, 0.9805)}


def test_seeds_that_are_now_and_then_much_worse() -> None:
    assert warned(contender(), contender("sgd", **LOPSIDED)) == (
        (
            "Most confirm seeds of sgd lie together, and few far away: with such seeds a claim is false more often "
            "than in 5 % of comparisons, because a few may have missed what is rare."
        ),
    )
    assert warned(contender(), contender("sgd", confirmed=False, **LOPSIDED)) == ()
    assert warned(contender(), contender("sgd", scores=(0.98, 0.95))) == ()  # too few to say
    assert warned(contender(), contender("sgd", scores=(0.98,) * 5)) == ()


def test_images_that_judge_and_equal_one_that_is_trained_on() -> None:
    both = [contender(), contender("sgd")]
    plan = plan_with("adam", "sgd").model_copy(update={"leaked": "3 of 143 validation images"})
    (said,) = cautions(plan, both, [setting(one) for one in both], answer(rival()), [])
    assert said.startswith("3 of 143 validation images equal an image that is trained on: who remembers it is right")

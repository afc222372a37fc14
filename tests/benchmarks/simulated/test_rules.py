"""What counts as a false claim, and what each rule says of numbers that are made up."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.simulated.rules import Claims, _claims, _old_rule, _test_after_every_seed, simulate
from benchmarks.simulated.worlds import CONFIRM_SEEDS, World
from study.answer import Judgement

EQUAL, BEHIND, AHEAD = (np.array([truth, truth]) for truth in (0.0, -0.01, 0.01))


@pytest.mark.parametrize(
    ("word", "truth", "claims"),
    [
        ("worse", EQUAL, Claims(false=True, found=False)),
        ("worse", BEHIND, Claims(false=False, found=True)),
        ("worse", AHEAD, Claims(false=True, found=False)),
        ("better", AHEAD, Claims(false=False, found=True)),
        ("better", BEHIND, Claims(false=True, found=False)),
        ("undecided", BEHIND, Claims(false=False, found=False)),
        ("as good", BEHIND, Claims(false=False, found=False)),  # whether that is so is told by `falsely`
    ],
)
def test_a_claim_is_false_if_its_sign_is_wrong_or_there_is_nothing(
    word: Judgement, truth: np.ndarray, claims: Claims
) -> None:
    right = {"worse": truth < 0, "better": truth > 0}
    assert _claims(right, [word, "undecided"], 0) == claims
    assert _claims(right, ["undecided", word], 0).false == claims.false
    assert _claims(right, [word, "undecided"], 0, falsely=True).false


def test_the_old_rule_says_who_is_beaten_by_three_seeds_uncorrected() -> None:
    # -0.03, -0.02 and -0.04: a mean of -0.03, less than 4.3027 * 0.01 / sqrt(3) = 0.0248 from nothing.
    beaten, not_beaten = [-0.03, -0.02, -0.04], [-0.03, -0.01, -0.05]
    assert _old_rule(np.array([beaten, not_beaten]), BEHIND, 0) == Claims(false=False, found=True)
    assert _old_rule(np.array([beaten, not_beaten]), BEHIND, 1) == Claims(false=False, found=False)
    assert _old_rule(np.array([beaten, not_beaten]), EQUAL, 0).false
    assert not _old_rule(np.array([not_beaten, not_beaten]), EQUAL, 0).false
    assert not _old_rule(-np.array([beaten, beaten]), BEHIND, 0).false  # nobody beats the best


def test_a_test_after_every_seed_ends_with_the_first_that_finds_something() -> None:
    # From the fourth seed on it would say the contrary, and is not asked.
    turning = np.array([-0.03, -0.02, -0.04, *[0.9] * (CONFIRM_SEEDS - 3)])
    never = np.tile([0.1, -0.1], CONFIRM_SEEDS // 2)
    assert _test_after_every_seed(np.array([turning, never]), BEHIND, 0) == Claims(false=False, found=True)
    assert _test_after_every_seed(np.array([turning, never]), EQUAL, 0).false
    assert not _test_after_every_seed(np.array([never, never]), EQUAL, 0).false
    # Two seeds that are told apart do not count.
    early = np.array([-0.03, -0.03, 0.5, *np.tile([-0.5, 0.5], CONFIRM_SEEDS)[: CONFIRM_SEEDS - 3]])
    assert not _test_after_every_seed(np.array([early, never]), EQUAL, 0).false


def test_a_study_in_which_one_is_far_better_finds_it_at_the_first_look() -> None:
    world = World("a test", rates=1, images=2_000, validation=200, error=0.06, better_by=0.05, seed_deviation=0.001)
    study = simulate(world, world.plan, 0)
    assert study.ours == study.every_seed == Claims(false=False, found=True)
    assert (study.covered, study.called_as_good, study.falsely, study.seeds) == (True, False, False, 5)

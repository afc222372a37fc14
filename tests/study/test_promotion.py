"""Whether a new model takes the place of the champion: the rule, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest

from study.promotion import Judgement, judge, worth


def judged(both: int, only_new: int, only_champion: int, neither: int, margin: float = 0.0) -> Judgement:
    new = np.repeat([True, True, False, False], [both, only_new, only_champion, neither])
    champion = np.repeat([True, False, True, False], [both, only_new, only_champion, neither])
    return judge(new, champion, margin=margin)


def test_a_clearly_better_model_passes() -> None:
    judgement = judged(both=330, only_new=20, only_champion=2, neither=8)
    assert judgement.passes
    assert (judgement.right, judgement.champion_right, judgement.images) == (350, 332, 360)
    assert judgement.why().startswith("it is better than the champion, and the interval of the difference begins at 2.")
    assert judgement.why().endswith(" points, not below the margin of 0 points")


def test_one_that_is_as_good_or_worse_does_not_pass_whatever_the_margin() -> None:
    for only_new, only_champion in [(0, 0), (3, 3), (2, 3)]:
        judgement = judged(340, only_new, only_champion, 10, margin=1.0)
        assert not judgement.passes
        assert judgement.why() == "it is not better than the champion in accuracy"


def test_one_that_is_better_by_chance_passes_only_with_a_margin() -> None:
    without, within = judged(345, 6, 3, 6), judged(345, 6, 3, 6, margin=0.02)
    assert without.interval == within.interval
    assert -0.02 < without.interval[0] < 0 < without.difference
    assert (without.passes, within.passes) == (False, True)
    assert without.why() == (
        "it may be worse than the champion: the interval of the difference begins at -0.97 points, below the margin of "
        "0 points"
    )
    assert within.why().endswith("begins at -0.97 points, not below the margin of -2 points")


def test_all_numbers_are_told_in_one_clause() -> None:
    assert judged(345, 6, 3, 6).numbers() == (
        "on the same 360 test images the new model has 351 right and the champion 348, with 9 discordant pairs (6 to "
        "3), so a difference in accuracy of 0.833 points [-0.97, 2.86], p = 0.51 in McNemar's exact test"
    )


@pytest.mark.parametrize(("judgements", "said"), [(1, "1 promotion;"), (7, "7 promotions;")])
def test_how_often_a_test_set_has_judged_is_told_with_what_it_means(judgements: int, said: str) -> None:
    assert worth(judgements).startswith(f"This test set has judged {said} the more often it judges, the less")

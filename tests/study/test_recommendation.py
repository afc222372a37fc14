"""What to take: the best if it is known, the cheapest of equals, and what that may cost at most."""

from __future__ import annotations

import math
from typing import Any

import pytest

from study.answer import Answer
from study.comparison import Contender
from study.confirmation import Confirmation, Judged
from study.interval import Interval
from study.paired_difference import PairedDifference
from study.recommendation import cost, recommend
from tests.support.contenders import contender, plan_with
from tests.support.trials import contender_plan

JUDGEMENTS: dict[str, Interval] = {
    "worse": (-0.04, -0.02),
    "better": (0.02, 0.04),
    "as good": (-0.001, 0.0015),
    "undecided": (-0.01, 0.008),
}


def judged(name: str, judgement: Any, interval: Interval | None = None) -> Judged:
    ends = interval or JUDGEMENTS[judgement]
    difference = PairedDifference(sum(ends) / 2, 5, 1e-6, 1e-8, 100, images_known=True)
    return Judged((contender_plan(name), 0.01), judgement, difference, ends, 5)


def answer_of(*rivals: Judged, epochs: dict[str, float] | None = None) -> Answer:
    """The answer about adam, which leads, and these; all reach the target in 4 epochs unless it is said."""
    names = ["adam", *(rival.rival[0].optimizer for rival in rivals)]
    contenders = [contender(name, epochs_to_target=(epochs or {}).get(name, 4.0)) for name in names]
    return recommend(plan_with(*names), contenders, Confirmation(0.05 / max(1, len(rivals)), rivals))


def test_the_cost_is_the_epochs_to_the_target_and_not_seconds() -> None:
    cheap: Contender = contender(epochs_to_target=3.0, seconds_to_target=100.0)
    assert cost(cheap) == 3.0
    assert cost(contender(epochs_to_target=math.inf)) == math.inf


@pytest.mark.parametrize(
    ("rivals", "epochs", "take", "cheaper_than"),
    [
        (["worse"], {"sgd": 1.0}, "adam", None),
        (["as good"], {}, "adam", None),  # of the same cost the leader
        (["as good"], {"sgd": 3.0}, "sgd", "adam"),
        (["as good"], {"sgd": 5.0}, "adam", "sgd"),
        (["as good", "as good"], {"sgd": 3.0, "lion": 2.0}, "lion", "adam"),
        (["as good", "as good"], {"sgd": 6.0, "lion": 5.0}, "adam", "lion"),  # the cheapest that is dearer
        (["as good"], {"adam": math.inf, "sgd": 9.0}, "sgd", "adam"),  # a miss costs more than anything
        (["as good"], {"adam": math.inf, "sgd": math.inf}, "adam", None),
        (["undecided"], {"sgd": 1.0}, "adam", None),  # what may be worse is not taken for its price
        (["better"], {"sgd": 9.0}, "sgd", None),
    ],
)
def test_what_to_take(rivals: list[str], epochs: dict[str, float], take: str, cheaper_than: str | None) -> None:
    said = answer_of(*map(judged, ("sgd", "lion"), rivals), epochs=epochs)
    assert (said.take, said.cheaper_than) == (take, cheaper_than)
    assert said.leader == "adam"


def test_of_several_that_are_better_the_best() -> None:
    said = answer_of(judged("sgd", "better"), judged("lion", "better", (0.03, 0.06)), judged("nadam", "as good"))
    assert said.take == "lion"


@pytest.mark.parametrize(
    ("rivals", "epochs", "most"),
    [
        ([judged("sgd", "worse")], {}, None),
        ([judged("sgd", "as good")], {}, None),
        ([judged("sgd", "undecided")], {}, 0.008),
        ([judged("sgd", "undecided"), judged("lion", "undecided", (-0.02, 0.011))], {}, 0.011),
        # What is as good and not taken may be the best by as much as its own interval says.
        ([judged("sgd", "undecided", (-0.02, 0.0004)), judged("lion", "as good")], {}, 0.0015),
        # What is taken may itself be behind the leader, from which the differences are.
        ([judged("sgd", "undecided"), judged("lion", "as good")], {"lion": 1.0}, 0.008 + 0.001),
        ([judged("sgd", "undecided"), judged("lion", "better")], {}, 0.0),  # 2 points ahead of what is 0.8 ahead
    ],
)
def test_what_it_can_cost_at_most(rivals: list[Judged], epochs: dict[str, float], most: float | None) -> None:
    assert answer_of(*rivals, epochs=epochs).costs_at_most == (most if most is None else pytest.approx(most))


def test_where_nothing_bounds_a_rival_nothing_is_said_of_the_cost() -> None:
    said = answer_of(Judged((contender_plan("sgd"), 0.01), "undecided"))
    assert (said.take, said.costs_at_most) == ("adam", None)
    assert (said.rivals[0].difference, said.rivals[0].doubt, said.rivals[0].seeds) == (None, None, 0)


def test_a_rival_has_the_deviation_of_a_seed() -> None:
    assert answer_of(judged("sgd", "worse")).rivals[0].deviation == pytest.approx(0.001)


def test_what_tuning_alone_puts_first_is_not_confirmed() -> None:
    contenders = [contender(name, confirmed=False) for name in ("adam", "sgd")]
    plan = plan_with("adam", "sgd", looks=())
    said = recommend(plan, contenders, Confirmation(0.05, (Judged((plan.contenders[1], 0.01), "undecided"),)))
    assert (said.confirmed, said.take, said.leader, said.costs_at_most) == (False, "adam", "adam", None)


def test_nothing_is_taken_where_nothing_learned() -> None:
    said = recommend(plan_with("adam"), [contender()], None)
    assert (said.confirmed, said.take, said.leader, said.rivals) == (False, None, None, ())

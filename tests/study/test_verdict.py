"""The words say what the numbers say, and no more."""

from __future__ import annotations

import math
from typing import Any

import pytest

from study.answer import Answer, Rival
from study.verdict import incomplete, verdict
from tests.support.contenders import answer, contender, plan_with, rival
from tests.support.trials import TARGET, compared, confirms, finals

TAKE = "Take adam with learning rate 0.001"


def told(*rivals: Rival, changes: dict[str, dict[str, Any]] | None = None, **answered: Any) -> tuple[str, ...]:
    """The verdict about adam and these rivals."""
    names = ["adam", *(one.label for one in rivals)]
    contenders = [contender(name, **(changes or {}).get(name, {})) for name in names]
    return verdict(answer(*rivals, **answered), contenders, plan_with(*names))


def test_a_rival_that_is_worse() -> None:
    assert told(rival()) == (
        f"{TAKE}: sgd is worse than it.",
        "sgd is worse than adam by 3 points [2, 4], over 5 confirm seeds.",
        (
            "adam has a median final validation accuracy of 0.9861 over 5 confirm seeds, each with validation images "
            "of its own."
        ),
    )


def test_validation_images_that_the_data_came_with_are_the_same_for_each_seed() -> None:
    contenders = [contender("adam"), contender("sgd")]
    said = verdict(answer(rival()), contenders, plan_with("adam", "sgd", redraws=False))
    assert said[2] == (
        "adam has a median final validation accuracy of 0.9861 over 5 confirm seeds, all with the same validation "
        "images."
    )


def test_a_rival_that_is_as_good() -> None:
    said = told(rival(judgement="as good"))
    assert said[0] == f"{TAKE}: sgd is as good within 0.2 points, but not sooner at 98 %."
    assert said[1] == (
        "sgd is as good as adam within 0.2 points: the difference is 0.05 points [-0.1, 0.2] over 5 confirm seeds."
    )


def test_the_cheapest_of_equals_says_how_much_cheaper() -> None:
    equals = (rival(judgement="as good"), rival("lion", judgement="as good"))
    assert told(*equals, take="sgd", cheaper_than="adam", changes={"sgd": {"epochs_to_target": 2.5}})[0] == (
        "Take sgd with learning rate 0.001: as good as adam within 0.2 points, and 1.6 times as fast to 98 % "
        "(2.5 epochs, adam 4)."
    )
    assert told(*equals, cheaper_than="sgd", changes={"sgd": {"epochs_to_target": 5}})[0] == (
        f"{TAKE}: sgd and lion are as good within 0.2 points, and adam is 1.25 times as fast to 98 % (4 epochs, sgd 5)."
    )
    never = told(*equals, cheaper_than="sgd", changes={"sgd": {"epochs_to_target": math.inf, "reached": 1}})
    assert never[0].endswith("and adam is at 98 % after 4 epochs, where most seeds of sgd never get.")
    assert never[-1] == "Not every seed reaches 98 %: sgd 1 of 5."


def test_a_rival_that_is_better() -> None:
    said = told(rival(judgement="better"), rival("lion"), take="sgd")
    assert said[0] == (
        "Take sgd with learning rate 0.001: better than adam, which tuning had put first, by 3 points [2, 4]."
    )
    assert said[1] == (
        "Tuning was wrong about adam, with which all others are compared; what is worse than adam is worse than sgd "
        "too; nothing is said of sgd against what is not."
    )
    assert said[2] == "sgd is better than adam by 3 points [2, 4], over 5 confirm seeds."


def test_what_to_take_meanwhile_and_what_that_can_cost() -> None:
    rivals = (rival(judgement="undecided"), rival("lion"))
    said = told(*rivals, costs_at_most=0.009)
    assert said[0] == (
        f"{TAKE} meanwhile: lion is worse than it; sgd is not yet told from adam; whichever is best, adam is at most "
        "0.9 points behind it."
    )
    assert said[1] == "sgd is undecided: the difference is -0.1 points [-1, 0.8] over 5 confirm seeds."
    both = told(rival(judgement="undecided"), rival("lion", judgement="undecided"))
    assert both[0] == f"{TAKE} meanwhile: sgd and lion are not yet told from adam."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"diverged": 2}, "2 of sgd"),
        ({"leader_diverged": 1}, "1 of adam"),
        ({"diverged": 2, "leader_diverged": 1}, "2 of sgd and 1 of adam"),
    ],
)
def test_a_lottery_ticket_is_told_as_one(changes: dict[str, int], said: str) -> None:
    sentence = told(rival(judgement="undecided", **changes))[1]
    assert sentence == (
        f"sgd is undecided: the difference is -0.1 points [-1, 0.8] over 5 confirm seeds; of these trials {said} "
        "diverged, and so it is never called as good."
    )


def test_a_rival_without_a_common_seed() -> None:
    nothing = {"difference": None, "interval": None, "seeds": 0, "doubt": None}
    assert told(rival(judgement="undecided", **nothing))[1] == (
        "sgd is undecided: it has no confirm seed in common with adam."
    )


def test_one_contender() -> None:
    assert told()[0] == f"{TAKE}: there is no other contender to compare it with."


@pytest.mark.parametrize(
    ("looks", "why"), [((), "no look at fresh seeds was asked for"), ((5,), "its confirm trials have not ended")]
)
def test_what_tuning_says_alone_claims_nothing(looks: tuple[int, ...], why: str) -> None:
    only_tuned: Answer = answer(confirmed=False)
    assert verdict(only_tuned, [contender(confirmed=False)], plan_with("adam", looks=looks)) == (
        (
            "Tuning puts adam with learning rate 0.001 first, with a median final validation accuracy of 0.9861 over 5 "
            f"seeds; nothing is confirmed, because {why}, so nothing is said about which is better."
        ),
    )


def test_who_misses_the_target() -> None:
    missed = {"reached": 0, "epochs_to_target": math.inf}
    assert told(rival(), changes={"adam": missed, "sgd": missed})[-1] == "No contender reaches 98 %."
    some = told(rival(), rival("lion"), changes={"sgd": {"reached": 1}, "lion": {"reached": 0, "seeds": 4}})
    assert some[-1] == "Not every seed reaches 98 %: sgd 1 of 5, lion 0 of 4."


def test_nothing_to_say() -> None:
    assert verdict(answer(take=None), [], plan_with()) == ("No trial has a result, so nothing follows.",)
    assert verdict(answer(take=None), [contender(median=0.0)], plan_with("adam")) == (
        "Nothing is best: no setting has a median final validation accuracy above 0.",
    )


def test_a_comparison_is_told_in_these_words() -> None:
    better, worse = [0.95, 0.94, 0.96, 0.95, 0.94], [0.55, 0.54, 0.56, 0.54, 0.55]
    trials = [
        *finals("adam", [0.93, 0.94]),
        *finals("sgd", [0.5, 0.6]),
        *confirms("adam", better),
        *confirms("sgd", worse),
    ]
    # Differences of -0.4, three times, -0.41 and -0.39; s² is 0.00005, of which 100 / 900 are the images'; t is 2.7764.
    # 2.776445 * sqrt(0.00005 / 5 + 0.00005 / 9 + 1 / 500²) = 0.0123
    assert compared(trials).verdict == (
        "Take adam with learning rate 0.01: sgd is worse than it.",
        "sgd is worse than adam by 40 points [38.77, 41.23], over 5 confirm seeds.",
        (
            "adam has a median final validation accuracy of 0.9500 over 5 confirm seeds, each with validation images "
            "of its own."
        ),
        "Not every seed reaches 90 %: sgd 0 of 5.",
    )
    assert TARGET == 0.9


def test_what_has_no_result_is_told_first_and_what_failed_is_not_counted_so() -> None:
    trials = [
        *finals("adam", (0.9, 0.8)),
        *finals("sgd", (0.1,), outcome="failed"),
        *finals("lion", (0.1,), outcome="diverged"),
    ]
    assert incomplete(trials, 0) == ""
    told_first = "So far completed 2, diverged 1, failed 1: 1 trial has no result, and may change the answer."
    assert incomplete(trials, 1) == told_first
    assert "3 trials have no result" in incomplete(trials, 3)

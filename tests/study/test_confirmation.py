"""Looks, their level, and the four judgements of a rival, by hand."""

from __future__ import annotations

import pytest

from study.confirmation import Confirmation, confirm, confirm_trials, judgement_of
from study.ended_trials import EndedTrials
from study.interval import Interval
from study.paired_difference import quantile
from tests.support.trials import confirms, contender_plan, plan_of

ADAM, SGD, LION = ((contender_plan(name), 0.01) for name in ("adam", "sgd", "lion"))
LOOKS = (3, 5)
BASE = [0.90, 0.92, 0.91, 0.93, 0.94]


def confirmed(
    *others: list[float], looks: tuple[int, ...] = LOOKS, adam: list[float] = BASE, **changes: object
) -> Confirmation:
    """How adam compares with sgd, then lion, whose accuracies differ by so much on each seed."""
    chosen = [ADAM, SGD, LION][: len(others) + 1]
    plan = plan_of(*(contender for contender, _ in chosen), looks=looks, **changes)
    trials = confirms("adam", adam)
    for (contender, _), differences in zip(chosen[1:], others, strict=True):
        ours = [one + difference for one, difference in zip(adam, differences, strict=False)]
        trials += confirms(contender.optimizer, ours)
    return confirm(plan, chosen, EndedTrials(trials))


@pytest.mark.parametrize(
    ("interval", "judgement"),
    [
        ((-0.02, -0.001), "worse"),
        ((0.0005, 0.001), "better"),  # even within the margin
        ((-0.001, 0.0019), "as good"),
        ((-0.002, 0.002), "as good"),  # the ends of the margin belong to it
        ((0.0, 0.0), "as good"),
        ((-0.0021, 0.001), "undecided"),
        ((-0.001, 0.0021), "undecided"),
        ((-0.1, 0.0), "undecided"),
    ],
)
def test_the_four_judgements(interval: Interval, judgement: str) -> None:
    assert judgement_of(interval, 0.002) == judgement


@pytest.mark.parametrize(
    ("looks", "rivals", "level", "beyond"),
    # The quantiles as the tables of Bonferroni's t have them, of 4 degrees: for 1, 3 and 9 intervals at 95 %.
    [((5,), 1, 0.05, 2.7764), ((5, 10, 20), 1, 0.05 / 3, 3.9608), ((5, 10, 20), 3, 0.05 / 9, 5.4366)],
)
def test_the_level_is_divided_by_the_looks_and_by_the_rivals(
    looks: tuple[int, ...], rivals: int, level: float, beyond: float
) -> None:
    chosen = [(contender_plan(str(number)), 0.01) for number in range(rivals + 1)]
    confirmation = confirm(plan_of(*(one for one, _ in chosen), looks=looks), chosen, EndedTrials([]))
    assert confirmation.level == pytest.approx(level)
    assert quantile(confirmation.level, 4) == pytest.approx(beyond, abs=2e-4)


def test_a_look_is_at_the_leader_and_all_rivals_that_are_undecided() -> None:
    first = confirm(plan_of(ADAM[0], SGD[0], LION[0], looks=LOOKS), [ADAM, SGD, LION], EndedTrials([]))
    assert [(one.seed, one.optimizer) for one in first.missing] == [
        (seed, name) for seed in (1000, 1001, 1002) for name in ("adam", "sgd", "lion")
    ]
    assert {one.round for one in first.missing} == {"confirm"}
    assert [one.split_seed for one in first.missing] == [1000] * 3 + [1001] * 3 + [1002] * 3
    # Sgd is worse by 20 points on every seed, so that it needs no more; lion may be anything.
    second = confirmed([-0.2] * 3, [0.01, -0.01, 0.01], adam=BASE[:3])
    assert [judged.judgement for judged in second.judged] == ["worse", "undecided"]
    assert [(one.seed, one.optimizer) for one in second.missing] == [
        (seed, name) for seed in (1003, 1004) for name in ("adam", "lion")
    ]
    last = confirmed([-0.2] * 3, [0.01, -0.01, 0.01, -0.01, 0.01])
    assert [(judged.seeds, judged.judgement) for judged in last.judged] == [(3, "worse"), (5, "undecided")]
    assert last.missing == ()


def test_a_rival_that_was_decided_is_not_looked_at_again() -> None:
    # Its further seeds, there from an earlier and longer study, would say otherwise.
    (judged,) = confirmed([-0.2, -0.2, -0.2, 0.9, 0.9]).judged
    assert (judged.judgement, judged.seeds) == ("worse", 3)


def test_a_leader_without_a_rival_is_confirmed_too() -> None:
    confirmation = confirm(plan_of(ADAM[0], looks=LOOKS), [ADAM], EndedTrials(confirms("adam", BASE[:3])))
    assert [one.seed for one in confirmation.missing] == [1003, 1004]


def test_without_looks_nothing_is_judged() -> None:
    confirmation = confirmed([-0.2, -0.2], looks=())
    assert (confirmation.missing, confirmation.judged[0].judgement) == ((), "undecided")


def test_a_failed_confirm_trial_counts_for_nothing() -> None:
    plan = plan_of(ADAM[0], SGD[0], looks=(3,))
    trials = [
        *confirms("adam", BASE[:3]),
        *confirms("sgd", [0.1, 0.1]),
        *confirms("sgd", [0.9] * 3, outcome="failed")[2:],
    ]
    confirmation = confirm(plan, [ADAM, SGD], EndedTrials(trials))
    assert confirmation.missing == ()
    assert confirmation.judged[0].difference is not None
    assert confirmation.judged[0].difference.seeds == 2
    assert [one.seed for one in confirm_trials(SGD, plan, EndedTrials(trials))] == [1000, 1001]


@pytest.mark.parametrize("diverging", ["adam", "sgd"])
def test_a_lottery_ticket_is_never_as_good(diverging: str) -> None:
    plan = plan_of(ADAM[0], SGD[0], looks=(5,), margin=1.0)
    trials = [*confirms("adam", BASE), *confirms("sgd", BASE)]
    (judged,) = confirm(plan, [ADAM, SGD], EndedTrials(trials)).judged
    assert judged.judgement == "as good"
    changed = [
        one.model_copy(update={"outcome": "diverged"}) if (one.optimizer, one.seed) == (diverging, 1001) else one
        for one in trials
    ]
    (judged,) = confirm(plan, [ADAM, SGD], EndedTrials(changed)).judged
    assert judged.judgement == "undecided"
    assert (judged.diverged, judged.leader_diverged) == ((1, 0) if diverging == "sgd" else (0, 1))


def test_a_setting_that_always_diverges_is_worse() -> None:
    plan = plan_of(ADAM[0], SGD[0], looks=(5,))
    trials = [*confirms("adam", BASE), *confirms("sgd", BASE, outcome="diverged")]
    (judged,) = confirm(plan, [ADAM, SGD], EndedTrials(trials)).judged
    assert (judged.judgement, judged.diverged) == ("worse", 5)

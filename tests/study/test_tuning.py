"""Which rates are tried: those asked for, then further ones on the side where the best is the outermost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from study.ended_trials import EndedTrials
from study.plan import PlannedTrial
from study.tuning import learns, rates_tried, tuned, tuning_round
from tests.support.trials import contender_plan, ending, finals, plan_of, trial

ADAM = contender_plan("adam", 0.1, 0.3, below=(0.03, 0.01, 0.003), above=(1.0, 3.0, 10.0))
PLAN = plan_of(ADAM)


def tuned_to_the_end(
    score: Callable[[PlannedTrial], dict[str, object]],
) -> tuple[list[list[PlannedTrial]], EndedTrials]:
    """The rounds of tuning, where a trial ends with what ``score`` says, and the trials."""
    rounds, trials = [], []
    while planned := tuning_round(PLAN, EndedTrials(trials)):
        rounds.append([*planned])
        for one in planned:
            changes = score(one)
            trials.append(ending(one, float(changes.pop("accuracy", 0.0)), **changes))
    return rounds, EndedTrials(trials)


def test_first_all_settings_with_a_seed_then_all_with_the_next() -> None:
    plan = plan_of(contender_plan("sgd", 0.1, 0.3), contender_plan("adam", 0.01))
    planned = tuning_round(plan, EndedTrials([]))
    assert {one.round for one in planned} == {"tune"}
    assert [(one.seed, one.optimizer, one.learning_rate) for one in planned] == [
        (seed, *setting) for seed in (0, 1) for setting in (("sgd", 0.1), ("sgd", 0.3), ("adam", 0.01))
    ]
    assert {one.split_seed for one in planned} == {0}


@pytest.mark.parametrize(
    ("accuracies", "added", "best"),
    [
        ({0.1: 0.5, 0.3: 0.6, 1.0: 0.55}, [1.0], 0.3),  # worse by the median
        ({0.1: 0.5, 0.3: 0.6}, [1.0], 0.3),  # all diverge
        ({0.1: 0.5, 0.3: 0.6, 1.0: 0.7, 3.0: 0.65}, [1.0, 3.0], 1.0),
        ({0.1: 0.5, 0.3: 0.6, 1.0: 0.7, 3.0: 0.8, 10.0: 0.9}, [1.0, 3.0, 10.0], 10.0),  # no more are allowed
        ({0.1: 0.6, 0.3: 0.5, 0.03: 0.7, 0.01: 0.1}, [0.03, 0.01], 0.03),  # the nearest first
        ({0.1: 0.6, 0.3: 0.6, 0.03: 0.2}, [0.03], 0.1),  # of equal rates the smaller is the better
    ],
)
def test_rates_are_added_on_the_side_of_the_best_until_one_is_worse(
    accuracies: dict[float, float], added: list[float], best: float
) -> None:
    rounds, ended = tuned_to_the_end(
        lambda one: (
            {"accuracy": accuracies[one.learning_rate]} if one.learning_rate in accuracies else {"outcome": "diverged"}
        )
    )
    assert [{one.round for one in planned} for planned in rounds] == [{"tune"}, *[{"extend"}] * len(added)]
    assert [[one.learning_rate for one in planned] for planned in rounds[1:]] == [[rate, rate] for rate in added]
    assert [one.seed for one in rounds[-1]] == [0, 1]
    assert rates_tried(ADAM, PLAN, ended) == tuple(sorted({0.1, 0.3, *added}))
    assert tuned(PLAN, ended)[ADAM].trials[0].learning_rate == best


def test_a_rate_that_is_added_and_fails_ends_it() -> None:
    rounds, _ = tuned_to_the_end(
        lambda one: {"outcome": "failed"} if one.round == "extend" else {"accuracy": one.learning_rate}
    )
    assert len(rounds) == 2


@pytest.mark.parametrize("changes", [{"below": (), "above": ()}, {"learning_rates": (0.1,)}])
def test_nothing_is_added_where_nothing_may_be_or_a_single_rate_was_asked_for(changes: dict[str, object]) -> None:
    contender = ADAM.model_copy(update=changes)
    plan = plan_of(contender)
    trials = [trial(0.5, learning_rate=rate, seed=seed) for rate in contender.learning_rates for seed in (0, 1)]
    assert tuning_round(plan, EndedTrials(trials)) == ()


def test_one_contender_may_add_while_another_has_done() -> None:
    still = contender_plan("sgd", 0.1, 0.3, 1.0, below=(0.03,), above=(3.0,))
    plan = plan_of(still, ADAM, seeds=1)
    trials = [
        *(
            trial(accuracy, optimizer="sgd", learning_rate=rate)
            for rate, accuracy in ((0.1, 0.5), (0.3, 0.6), (1.0, 0.5))
        ),
        *(trial(accuracy, learning_rate=rate) for rate, accuracy in ((0.1, 0.5), (0.3, 0.6))),
    ]
    assert [(one.optimizer, one.learning_rate) for one in tuning_round(plan, EndedTrials(trials))] == [("adam", 1.0)]
    assert (
        tuning_round(plan, EndedTrials(trials[:-1]))[0].round == "tune"
    )  # none is added until all that was asked ended


def test_the_leader_has_the_best_median_and_who_has_no_result_is_left_out() -> None:
    contenders = [contender_plan(name) for name in ("lion", "sgd", "adam", "nadam")]
    plan = plan_of(*contenders)
    trials = [
        *finals("adam", [0.5, 0.6]),
        *finals("sgd", [0.7, 0.6]),
        *finals("lion", [0.5, 0.6]),
        *finals("nadam", [0.9, 0.9], outcome="failed"),
    ]
    best = tuned(plan, EndedTrials(trials))
    assert [contender.optimizer for contender in best] == ["sgd", "adam", "lion"]  # what is equal, by name
    assert learns(best)
    assert not learns(tuned(plan, EndedTrials(finals("adam", [0.0, 0.9], outcome="diverged"))))

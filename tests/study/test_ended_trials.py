"""Trials are found by what they are of, whatever order they ended in."""

from __future__ import annotations

import itertools

from study.ended_trials import EndedTrials
from study.plan import PlannedTrial
from tests.support.trials import contender_plan, finals, trial

ADAM = contender_plan("adam", 0.01, 0.1)


def planned(rate: float, seed: int) -> PlannedTrial:
    return PlannedTrial(round="tune", optimizer="adam", loss="mse", batch_size=32, learning_rate=rate, seed=seed)


def test_what_is_missing_is_told_in_the_order_asked() -> None:
    asked = [planned(rate, seed) for seed in (1, 0) for rate in (0.1, 0.01)]
    ended = EndedTrials([trial(0.5, seed=1), trial(0.5, outcome="failed", learning_rate=0.1)])
    assert ended.missing(asked) == (planned(0.1, 1), planned(0.01, 0))
    assert ended.have(ADAM, 0.01, [1])
    assert not ended.have(ADAM, 0.01, [0, 1])


def test_a_setting_is_told_by_optimizer_loss_batch_size_and_rate() -> None:
    others = [{"optimizer": "sgd"}, {"loss": "mae"}, {"batch_size": 64}, {"learning_rate": 0.1}]
    ended = EndedTrials([trial(0.5, **changes) for changes in others])
    assert not ended.have(ADAM, 0.01, [0])
    assert ended.every(ADAM, 0.01) == ()
    assert [one.learning_rate for one in ended.every(ADAM, 0.1)] == [0.1]


def test_a_failed_trial_has_ended_and_has_no_result() -> None:
    ended = EndedTrials([*finals("adam", [0.5, 0.6]), trial(outcome="failed", seed=2)])
    assert ended.have(ADAM, 0.01, range(3))
    assert [one.seed for one in ended.results(ADAM, 0.01, range(3))] == [0, 1]
    assert [one.seed for one in ended.every(ADAM, 0.01)] == [0, 1, 2]


def test_of_several_of_one_seed_one_that_did_not_fail_counts_in_any_order() -> None:
    several = [trial(0.4, run_id="a"), trial(0.5, run_id="b"), trial(outcome="failed", run_id="c")]
    for order in itertools.permutations(several):
        assert [one.run_id for one in EndedTrials(order).results(ADAM, 0.01, [0])] == ["b"]

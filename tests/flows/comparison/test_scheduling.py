"""How the trials of a comparison are counted, whatever became of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from prefect.states import Cancelled, Completed, Failed

from flows.comparison import scheduling
from flows.comparison.scheduling import Tally
from flows.comparison.stored_trials import Asked
from flows.comparison.worker_tasks import STORE_AWAY
from flows.parameters.train import TrainParameters
from study.plan import Round
from tasks.foundation.errors import InputError, StoreAwayError
from tasks.tracking.stored_run import StoredRun

TRIAL = TrainParameters(dataset="digits", seed=3)


def future(status: str, state: Any = None) -> Any:
    return SimpleNamespace(status=status, result=lambda: state)


def stored(status: str, outcome: str = "completed", accuracy: float = 0.9) -> StoredRun:
    tags = {"outcome": outcome, "reason": "the loss is nan"}
    return StoredRun("run", "1", "a run", status, tags, {}, {"validation/accuracy": accuracy})


def found(monkeypatch: pytest.MonkeyPatch, runs: list[StoredRun]) -> None:
    def find(study: str, trial: TrainParameters) -> list[StoredRun]:
        assert (study, trial) == ("study", TRIAL)
        return runs

    monkeypatch.setattr(scheduling, "find_trials", find)


@pytest.mark.parametrize(
    ("ended", "reason"),
    [
        (future("finished", Completed()), ""),
        (future("finished", Failed(message="it broke")), "it broke"),
        (future("finished", Cancelled()), "Cancelled"),
        (future("error"), "its worker died, twice"),
        (future("cancelled"), "the Dask cluster gave it up"),
        (future("lost"), "the Dask cluster gave it up"),
    ],
)
def test_why_a_trial_failed(ended: Any, reason: str) -> None:
    assert scheduling._failure(ended) == reason


@pytest.mark.parametrize(
    ("runs", "told"),
    [
        ([stored("FAILED"), stored("FINISHED", accuracy=0.9375)], "validation accuracy 0.9375"),
        ([stored("FINISHED", "diverged")], "diverged (the loss is nan)"),
        ([stored("RUNNING")], "done, but MLflow does not have all of it yet"),
        ([], "done, but MLflow does not have all of it yet"),
    ],
)
def test_what_a_trial_came_to(monkeypatch: pytest.MonkeyPatch, runs: list[StoredRun], told: str) -> None:
    found(monkeypatch, runs)
    assert scheduling._came_to(Tally(total=4), TRIAL, "study") == told


def test_a_trial_is_told_of_by_the_metric_of_its_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = {"validation/accuracy": 0.9, "validation/macro_f1": 0.25}
    run = StoredRun("run", "1", "a run", "FINISHED", {"outcome": "completed"}, {}, metrics)
    monkeypatch.setattr(scheduling, "find_trials", lambda *_: [run])
    tally = Tally(total=4)
    trial = TRIAL.model_copy(update={"metric": "macro_f1"})
    assert scheduling._came_to(tally, trial, "study") == "validation macro F1 0.2500"
    assert tally.best == (0.25, trial.display_name())


def test_a_trial_that_an_outage_ended_is_no_failure_of_its_own() -> None:
    with pytest.raises(StoreAwayError, match="waited for, for 5 minutes"):
        scheduling._failure(future("finished", Cancelled(name=STORE_AWAY, message="It was waited for, for 5 minutes")))


@pytest.mark.parametrize("error", [InputError, StoreAwayError])
def test_an_outage_of_mlflow_is_told_and_harms_no_trial(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def away(*_: str) -> None:
        raise error("the MLflow store 'http://x' cannot be used")

    monkeypatch.setattr(scheduling, "find_trials", away)
    tally = Tally(total=4)
    scheduling._count(tally, TRIAL, "study", "")
    assert (tally.done, tally.failed_in_a_row, tally.reasons) == (1, 0, [])


def test_failures_are_counted_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    found(monkeypatch, [stored("FINISHED", accuracy=0.8)])
    tally = Tally(total=9)
    for failure in ("a", "b", "", "c"):
        scheduling._count(tally, TRIAL, "study", failure)
    assert (tally.done, tally.failed_in_a_row, tally.given_up) == (4, 1, False)
    assert tally.failed == [TRIAL] * 3
    assert tally.reasons == [f"{TRIAL.display_name()}: {failure}" for failure in ("a", "b", "c")]
    assert tally.best == (0.8, TRIAL.display_name())


def test_the_best_is_the_highest_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Tally(total=3)
    for accuracy in (0.8, 0.9, 0.7):
        found(monkeypatch, [stored("FINISHED", accuracy=accuracy)])
        scheduling._count(tally, TRIAL, "study", "")
    assert tally.best[0] == 0.9


def test_the_time_left_is_that_of_the_rest_at_the_pace_until_now(monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Tally(total=12, done=3, started=100.0)
    monkeypatch.setattr("time.monotonic", lambda: 130.0)
    assert tally.seconds_left() == 90


@pytest.mark.parametrize(
    ("round_", "changes", "said"),
    [
        ("tune", {}, "Tuning: 2 trials, to choose each learning rate."),
        (
            "extend",
            {"learning_rate": 0.3},
            "Extending: 2 trials, because the best learning rate was an outermost one: adam 0.3.",
        ),
        ("confirm", {}, "Confirming: 2 trials, on the fresh seeds 1000 to 1001."),
    ],
)
def test_a_round_says_what_it_is_for(round_: Round, changes: dict[str, Any], said: str) -> None:
    trials = [TrainParameters(optimizer="adam", seed=seed, **changes) for seed in (1001, 1000)]
    assert scheduling.in_words([Asked(round_, trial) for trial in trials]) == said

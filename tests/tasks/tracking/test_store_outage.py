"""Waiting for a store that has answered before."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tasks.foundation.errors import StoreAwayError
from tasks.tracking import store_outage
from tasks.tracking.store_outage import expect_answers, has_answered, pause, waits_for_store, without_waiting


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The pauses that were made, in seconds, in a command that has asked no store yet; they take no time."""
    made: list[float] = []
    clock = [0.0]

    def let_pass(seconds: float) -> None:
        made.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(store_outage, "_answered", set())
    monkeypatch.setattr(store_outage, "_given_up", set())
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    token = pause.set(let_pass)
    yield made
    pause.reset(token)


def away(times: float) -> Any:
    """A question that a store answers after so many times."""
    asked = [0]

    @waits_for_store
    def question(answer: str) -> str:
        asked[0] += 1
        if asked[0] <= times:
            raise StoreAwayError("The MLflow store 'x' does not answer (refused)")
        return answer

    return question


def test_what_has_answered_is_waited_for_with_growing_delays_and_a_word(
    paused: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    expect_answers()
    with caplog.at_level(logging.INFO):
        assert away(6)("yes") == "yes"
    assert paused == [1, 2, 4, 8, 15, 15]
    assert [record.getMessage() for record in caplog.records] == [
        "The MLflow store 'x' does not answer (refused). Waiting for it, for 5 minutes at most.",
        "The MLflow store answers again.",
    ]


def test_what_never_answered_is_told_at_once(paused: list[float]) -> None:
    assert not has_answered()
    with pytest.raises(StoreAwayError):
        away(1)("yes")
    assert paused == []


def test_it_is_given_up_after_five_minutes_and_waited_for_anew_once_it_has_answered(paused: list[float]) -> None:
    expect_answers()
    with pytest.raises(StoreAwayError, match=r"does not answer \(refused\)\. It was waited for, for 5 minutes"):
        away(1000)("yes")
    assert 280 < sum(paused) <= 300
    paused.clear()
    with pytest.raises(StoreAwayError):
        away(1)("yes")
    assert paused == []  # a command whose store is gone has to end
    assert away(0)("yes") == "yes"
    assert away(1)("yes") == "yes"
    assert paused == [1]


def test_a_block_may_not_want_to_wait(paused: list[float]) -> None:
    expect_answers()
    with without_waiting(), pytest.raises(StoreAwayError):
        away(1)("yes")
    assert away(1)("yes") == "yes"
    assert paused == [1]


def test_each_store_answers_for_itself(paused: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    expect_answers()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    assert not has_answered()
    with pytest.raises(StoreAwayError):
        away(1)("yes")
    assert paused == []

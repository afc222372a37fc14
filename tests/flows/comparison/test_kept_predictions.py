"""Reading back what trials have kept of their predictions."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from flows.comparison.kept_predictions import kept_predictions, validation_outcome
from tasks.tracking import mlflow_client, mlflow_files
from tasks.tracking.kept_predictions import PREDICTIONS_FILE, predictions_of
from tasks.tracking.record import log_content
from tests.support.log import own_messages

KEPT = predictions_of(np.array([2, 3, 7]), np.array([0, 1, 1]), np.array([0, 1, 0]), np.full((3, 2), 0.5))


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    validation_outcome.cache_clear()
    yield
    validation_outcome.cache_clear()


@pytest.fixture
def run_id(workplace: Path) -> str:
    assert workplace.is_dir()
    return mlflow_client.create_run(mlflow_client.open_experiment("tests"), "a run", {})


def test_what_was_kept_is_read_back(run_id: str) -> None:
    log_content(run_id, KEPT.packed(), PREDICTIONS_FILE)
    found, outcome = kept_predictions(run_id), validation_outcome(run_id, "accuracy")
    assert found
    assert found.packed() == KEPT.packed()
    assert outcome
    assert (outcome.examples.tolist(), outcome.credit.tolist()) == ([2, 3, 7], [True, True, False])
    assert (outcome.examples.dtype, outcome.credit.dtype) == (np.int64, np.bool_)


def test_the_outcome_is_by_the_metric_that_is_asked_for(run_id: str) -> None:
    log_content(run_id, KEPT.packed(), PREDICTIONS_FILE)
    outcome = validation_outcome(run_id, "balanced_accuracy")
    assert outcome
    # One image of class 0, and of class 1 two, of which one is right.
    assert outcome.credit.tolist() == [1.5, 0.75, 0.0]


def test_a_run_that_kept_nothing_has_none(run_id: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert kept_predictions(run_id) is None
        assert validation_outcome(run_id, "accuracy") is None
    assert own_messages(caplog) == []


def test_a_damaged_file_is_told_and_counts_as_none(run_id: str, caplog: pytest.LogCaptureFixture) -> None:
    log_content(run_id, KEPT.packed()[:-40], PREDICTIONS_FILE)
    with caplog.at_level(logging.WARNING):
        assert validation_outcome(run_id, "accuracy") is None
        assert validation_outcome(run_id, "accuracy") is None
    (told,) = own_messages(caplog)  # once in a process
    assert told.startswith(f"The file predictions.npz of run {run_id} is not used: it cannot be read (")


def test_the_store_is_asked_once_for_what_does_not_change(run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log_content(run_id, KEPT.packed(), PREDICTIONS_FILE)
    asked, original = [], mlflow_files.read_file
    monkeypatch.setattr(mlflow_files, "read_file", lambda *given: asked.append(given) or original(*given))
    assert validation_outcome(run_id, "accuracy") is validation_outcome(run_id, "accuracy")
    assert asked == [(run_id, PREDICTIONS_FILE)]

"""Weights are known by what they are, not by what they are called."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tasks.building.weights_source import require_same_weights, require_weights, run_of, weights_identity
from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client
from tasks.tracking.stored_run import RECOMMENDED_TAG, StoredRun


@pytest.fixture
def _runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs, and a comparison that recommends one of them."""
    tags = {"a run": {}, "a trial": {}, "a study": {RECOMMENDED_TAG: "a trial"}}
    made = {name: StoredRun(name, "1", "name", "FINISHED", its, {}, {}) for name, its in tags.items()}
    monkeypatch.setattr(mlflow_client, "get_run", made.__getitem__)


def test_a_file_is_known_by_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "mine.keras"
    path.write_bytes(b"weights")
    assert weights_identity(str(path)) == hashlib.sha256(b"weights").hexdigest()
    begun_with = weights_identity(str(path))
    require_same_weights(str(path), begun_with, "the comparison abc")
    path.write_bytes(b"other weights")
    with pytest.raises(
        InputError, match=rf"mine.keras' held other weights when the comparison abc began \(SHA-256 {begun_with[:12]}\)"
    ):
        require_same_weights(str(path), begun_with, "the comparison abc")
    require_same_weights(str(path), "", "a comparison that did not say")


@pytest.mark.usefixtures("_runs")
def test_runs_are_known_by_their_ids_and_a_comparison_by_what_it_recommends() -> None:
    assert weights_identity("run:a run") == "run:a run"
    assert weights_identity("study:a study") == "run:a trial"
    with pytest.raises(InputError, match=r"began \(run:another trial\) than now \(run:a trial\); give it back"):
        require_same_weights("study:a study", "run:another trial", "the comparison abc")
    with pytest.raises(InputError, match="weights: 'study:a run' recommends no run"):
        run_of("study:a run")


def test_what_needs_no_identity_has_none() -> None:
    assert weights_identity(None) == weights_identity("imagenet") == ""


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match=r"weights: there is no file 'nothing.keras'; give one, run:RUN_ID, study:"):
        require_weights("nothing.keras")

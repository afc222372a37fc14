"""Whether the store takes files, asked before a run begins."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import mlflow
import mlflow.keras
import mlflow.store.db.utils
import pytest
from mlflow.exceptions import MlflowException

from tasks.foundation.errors import InputError, StoreAwayError
from tasks.tracking import mlflow_client, mlflow_files
from tasks.tracking.outbox import OutageError
from tasks.tracking.outbox_entries import Attachment
from tasks.tracking.refused_entries import RefusedError
from tasks.tracking.store_outage import without_waiting
from tests.support.store import store


def test_a_store_that_goes_away_while_its_files_are_tried_is_no_bad_input(
    run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise MlflowException("API request to http://x failed with exception")

    monkeypatch.setattr(mlflow.MlflowClient, "log_artifact", away)
    with without_waiting():
        with pytest.raises(InputError, match="files of a run cannot be stored"):
            mlflow_files.require_artifacts(run_id)
        monkeypatch.setattr(mlflow.MlflowClient, "search_experiments", away)
        with pytest.raises(StoreAwayError, match="does not answer"):
            mlflow_files.require_artifacts(run_id)


def test_whether_files_can_be_stored_is_tried_and_leaves_nothing(run_id: str, workplace: Path) -> None:
    mlflow_files.require_artifacts(run_id)
    assert store().list_artifacts(run_id) == []
    folder = workplace / "mlartifacts"
    folder.rename("elsewhere")
    folder.touch()
    with pytest.raises(InputError, match=r"cannot be stored at '.*mlartifacts.*mend the access") as told:
        mlflow_files.require_artifacts(run_id)
    assert told.value.__suppress_context__


def test_what_cannot_be_removed_is_told_and_no_fault(
    run_id: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError("forbidden")

    monkeypatch.setattr("mlflow.store.artifact.local_artifact_repo.LocalArtifactRepository.delete_artifacts", forbidden)
    with caplog.at_level("INFO", logger="tasks.tracking.mlflow_files"):
        mlflow_files.require_artifacts(run_id)
    assert "remains in the run, because it cannot be removed: PermissionError: forbidden" in caplog.text


def test_a_package_that_is_missing_refuses_for_good(experiment: str, workplace: Path) -> None:
    with contextlib.closing(sqlite3.connect(workplace / "mlflow.db")) as database, database:
        database.execute(f"UPDATE experiments SET artifact_location = 's3://b/x' WHERE experiment_id = {experiment}")  # noqa: S608
    run_id = mlflow_client.create_run(experiment, "a run", {})
    with pytest.raises(RefusedError, match="ModuleNotFoundError: No module named 'boto3'"):
        mlflow_client.send(run_id, Attachment(name="curves.png", content=b"png"))


def test_a_folder_of_artifacts_that_cannot_be_written_is_an_outage(run_id: str, workplace: Path) -> None:
    (workplace / "mlartifacts").touch()
    with pytest.raises(OutageError):
        mlflow_client.send(run_id, Attachment(name="curves.png", content=b"png"))

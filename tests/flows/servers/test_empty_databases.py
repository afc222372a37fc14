"""The empty databases of the set-up are those that the packages would make."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from flows.servers.empty_databases import keep_empty_databases
from tasks.tracking.databases import empty_database


def tables_of(database: Path) -> dict[str, set[str]]:
    """The columns of each table."""
    with closing(sqlite3.connect(database)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: {column[1] for column in connection.execute(f"PRAGMA table_info({name})")} for name in names}


def test_they_have_the_tables_and_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    keep_empty_databases()
    assert tables_of(empty_database("mlflow")) == tables_of(empty_store)
    assert {"flow_run", "task_run", "alembic_version"} <= tables_of(empty_database("prefect")).keys()
    # What MLflow writes into a store when it opens it first is of the place where that store is.
    shutil.copy(empty_database("mlflow"), tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    (default,) = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}").search_experiments()
    assert (default.name, default.artifact_location) == ("Default", str(tmp_path / "mlruns" / "0"))

"""The first use of a database: made from the empty one that set-up keeps, where there is one."""

from __future__ import annotations

import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tasks.foundation.errors import StorageError
from tasks.tracking.databases import empty_database, keep_empty, migration_lock


@pytest.fixture(autouse=True)
def _nothing_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))


def asked(database: Path, statement: str) -> list[tuple[str]]:
    with closing(sqlite3.connect(database)) as connection, connection:
        return connection.execute(statement).fetchall()


def modes(*paths: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in paths]


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    made = tmp_path / "made.db"
    asked(made, "CREATE TABLE runs (name)")
    keep_empty("mlflow", made)
    return empty_database("mlflow")


@pytest.mark.usefixtures("kept")
def test_a_new_database_has_the_tables_of_the_empty_one(tmp_path: Path) -> None:
    database = tmp_path / "new.db"
    with migration_lock(f"sqlite:///{database}", "mlflow"):
        assert asked(database, "SELECT name FROM sqlite_master") == [("runs",)]
    assert {path.name for path in tmp_path.glob("new*")} <= {"new.db", "new.db.lock"}


@pytest.mark.usefixtures("kept")
def test_a_database_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    database = tmp_path / "old.db"
    asked(database, "CREATE TABLE experiments (name)")
    with migration_lock(f"sqlite:///{database}", "mlflow"):
        assert asked(database, "SELECT name FROM sqlite_master") == [("experiments",)]


@pytest.mark.usefixtures("kept")
def test_a_full_disk_is_told_and_leaves_nothing_half_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def execute(self, _statement: str, values: tuple[str]) -> None:
            Path(values[0]).write_bytes(b"half")
            raise sqlite3.OperationalError("database or disk is full")

        def close(self) -> None:
            pass

    monkeypatch.setattr(sqlite3, "connect", lambda _: Full())
    database = tmp_path / "new.db"
    with (
        pytest.raises(StorageError, match=f"cannot write '{database}': database or disk is full; make room"),
        migration_lock(f"sqlite:///{database}", "mlflow"),
    ):
        pytest.fail("there is no database")
    assert {path.name for path in tmp_path.glob("new*")} <= {"new.db.lock"}


def test_one_that_another_version_made_is_not_taken(kept: Path, tmp_path: Path) -> None:
    kept.rename(kept.with_name("mlflow-0.1.db"))
    with migration_lock(f"sqlite:///{tmp_path / 'new.db'}", "mlflow"):
        assert (tmp_path / "new.db").read_bytes() == b""


@pytest.mark.parametrize("copied", [True, False])
def test_nobody_but_its_owner_reads_a_new_database(tmp_path: Path, kept: Path, copied: bool) -> None:  # noqa: FBT001
    if not copied:
        kept.unlink()
    database = tmp_path / "new.db"
    with migration_lock(f"sqlite:///{database}", "mlflow"), closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        with connection:
            connection.execute("CREATE TABLE experiments (name)")
        assert modes(database, tmp_path / "new.db-wal", tmp_path / "new.db-shm") == [0o600] * 3


@pytest.mark.parametrize(("before", "after"), [(0o644, 0o600), (0o400, 0o400), (0o664, 0o660), (0o600, 0o600)])
def test_a_database_of_old_is_closed_to_others(tmp_path: Path, before: int, after: int) -> None:
    database, beside = tmp_path / "old.db", tmp_path / "old.db-wal"
    for path in (database, beside):
        path.touch()
        path.chmod(before)
    with migration_lock(f"sqlite:///{database}", "mlflow"):
        assert modes(database, beside) == [after] * 2
    assert {path.name for path in tmp_path.glob("old*")} <= {"old.db", "old.db-wal", "old.db.lock"}


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///:memory:", "file:///tmp/mlruns", "http://127.0.0.1:5000"])
def test_what_is_no_file_of_ours_needs_nothing(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.rglob("*"))
    with migration_lock(uri, "mlflow"):
        assert set(tmp_path.rglob("*")) == before

"""The first use of a database: one process at a time makes its tables, or takes an empty database that has them.

All the migrations of Prefect and MLflow take 15 seconds, most of the time of a first run. So set-up goes through them
once, and what comes out is copied wherever a database is to be made.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from filelock import FileLock
from sqlalchemy import NullPool, create_engine, func, make_url, select

from tasks.foundation.durable_files import storing

POLL_SECONDS = 0.1
PRIVATE, SHARED = 0o600, 0o660
BESIDE = ("-wal", "-shm", "-journal")  # SQLite makes them with the mode of the database
Owner = Literal["prefect", "mlflow"]


@contextmanager
def migration_lock(uri: str, owner: Owner) -> Iterator[None]:
    """Hold the lock under which the tables of a database are made, and make it beforehand if that is but a copy.

    Two first users at once would break the migrations of either package. What is no database of ours has no lock.

    Args:
        uri: The address of a SQLite file or a PostgreSQL database.
        owner: Whose tables they are.

    Raises:
        StorageError: the copy cannot be written.
    """
    dialect = uri.partition(":")[0].partition("+")[0]  # a folder or another service is no address for SQLAlchemy
    file = make_url(uri).database if dialect == "sqlite" else None
    if file and file != ":memory:":
        with FileLock(f"{file}.lock"):
            if empty_database(owner).exists() and not Path(file).exists():
                _copy(empty_database(owner), Path(file))
            keep_private(Path(file))
            yield
    elif dialect == "postgresql":
        with _advisory_lock(uri, zlib.crc32(owner.encode())):
            yield
    else:
        yield


def empty_database(owner: Owner) -> Path:
    """Return where set-up keeps the empty database of a package: of its installed version, beside the package."""
    return Path(sys.prefix) / "share" / "empty_databases" / f"{owner}-{version(owner)}.db"


def keep_empty(owner: Owner, database: Path) -> None:
    """Keep a SQLite database, whose tables were just made, as the empty one of a package."""
    kept = empty_database(owner)
    kept.parent.mkdir(parents=True, exist_ok=True)
    _copy(database, kept)


def keep_private(database: Path) -> None:
    """Let nobody but its owner read a SQLite database, nor what SQLite lays beside it. If there is none, make it.

    One whose group may write is left to that group, and one of another owner as it is.
    """
    if not database.exists():
        database.touch(PRIVATE)
    for path in (database, *(database.with_name(f"{database.name}{suffix}") for suffix in BESIDE)):
        with suppress(FileNotFoundError):  # what lies beside comes and goes
            status = path.stat()
            allowed = SHARED if status.st_mode & stat.S_IWGRP else PRIVATE
            if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) & ~allowed:
                path.chmod(stat.S_IMODE(status.st_mode) & allowed)


def _copy(source: Path, target: Path) -> None:
    """Copy a SQLite database, whole or not at all. Raises StorageError."""
    unfinished = target.with_name(f"{target.name}.unfinished")
    with storing(target):
        unfinished.unlink(missing_ok=True)
        try:
            with closing(sqlite3.connect(source)) as connection:
                connection.execute("VACUUM INTO ?", (str(unfinished),))
        except sqlite3.OperationalError as error:
            unfinished.unlink(missing_ok=True)
            raise OSError(str(error)) from error
        unfinished.replace(target)


@contextmanager
def _advisory_lock(uri: str, key: int) -> Iterator[None]:
    """Hold a lock of a PostgreSQL database, which lets go of it when the connection ends, however it does."""
    # Migrations build indexes concurrently, which waits for every transaction that is open: so there is none here, and
    # nobody waits inside the database.
    url = make_url(uri).set(drivername="postgresql")
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        while not connection.scalar(select(func.pg_try_advisory_lock(key))):
            time.sleep(POLL_SECONDS)
        yield

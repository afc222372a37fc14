"""The lock under which the tables of a database are made: two first users at once would break that."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from filelock import FileLock
from sqlalchemy import NullPool, create_engine, func, make_url, select

POLL_SECONDS = 0.1


def creation_lock(uri: str, tables: str) -> AbstractContextManager[Any]:
    """Return a lock that all processes share which use a database; none for what is no database of ours.

    Args:
        uri: The address of a SQLite file or a PostgreSQL database.
        tables: Whose tables are made.
    """
    dialect = uri.partition(":")[0].partition("+")[0]  # a folder or another service is no address for SQLAlchemy
    if dialect == "sqlite":
        return FileLock(f"{make_url(uri).database}.lock")
    return _advisory_lock(uri, zlib.crc32(tables.encode())) if dialect == "postgresql" else nullcontext()


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

"""Where MLflow keeps its record: the address of the store, and the lock under which its tables are made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock
from sqlalchemy import NullPool, create_engine, func, select

MLFLOW_UI = "http://127.0.0.1:5000"  # where `python -m flows ui` shows the default store
# Without it a page of MLflow opens in its view for language models, whatever the experiment says.
MODEL_TRAINING_VIEW = "workflowType=machine_learning"
CREATION_LOCK = 0x6C656E6574  # any number that no other program locks: "lenet"


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, else the store ``mlflow.db`` in the working directory."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{Path('mlflow.db').absolute()}"


def store_name() -> str:
    """Return the address of the store without the password in it, for messages and files."""
    uri = tracking_uri()
    password = urlsplit(uri).password
    return uri.replace(f":{password}@", ":***@", 1) if password else uri


def run_url(experiment_id: str, run_id: str) -> str:
    """Return the address of the run's page: on the tracking server, else where ``make ui`` shows it."""
    uri = tracking_uri()
    server = uri.rstrip("/") if uri.startswith("http") else MLFLOW_UI
    return f"{server}/#/experiments/{experiment_id}/runs/{run_id}?{MODEL_TRAINING_VIEW}"


def creation_lock(uri: str) -> AbstractContextManager[Any]:
    """Return a lock for a database: two first users at once would break its migration."""
    if uri.startswith("sqlite:///"):
        return FileLock(f"{uri.removeprefix('sqlite:///')}.lock")
    return _advisory_lock(uri) if uri.startswith("postgresql") else nullcontext()


@contextmanager
def _advisory_lock(uri: str) -> Iterator[None]:
    """Hold a lock of a PostgreSQL database, which lets go of it when the connection ends, however it does."""
    with create_engine(uri, poolclass=NullPool).connect() as connection:
        connection.execute(select(func.pg_advisory_lock(CREATION_LOCK)))
        yield

"""The MLflow store as everything here opens it: with its tables, its time-outs, and its faults in words.

The files ``mlflow_*.py`` of this room alone import mlflow. Everything goes through `MlflowClient` with the id of the
run: MLflow's fluent functions keep an active run for each thread, and silently start another where they find none.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

from mlflow import MlflowClient, entities
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from tasks.foundation.errors import InputError, StoreAwayError
from tasks.tracking.databases import migration_lock
from tasks.tracking.store import store_name, tracking_uri
from tasks.tracking.store_errors import in_words, may_pass
from tasks.tracking.store_outage import expect_answers, has_answered

LONGEST_TAG = 5000  # MLflow's own limit is 8000 characters


@contextmanager
def opened_store() -> Iterator[MlflowClient]:
    """Yield a client of the store, which is made if it does not exist.

    Raises:
        InputError: it cannot be used.
        StoreAwayError: it cannot now, and could before.
    """
    # MLflow's own time-outs let a server that is not there stall the first call for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")  # they are for our own lines
    # A pickled model runs whatever its maker wrote into it; ours are Keras files.
    os.environ.setdefault("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    try:
        _ensure_tables(tracking_uri())
        yield client_of_store()
    except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:  # a database needs its driver
        if has_answered() and may_pass(error):
            raise StoreAwayError(f"The MLflow store {store_name()!r} does not answer ({in_words(error)})") from None
        raise InputError(
            f"the MLflow store {store_name()!r} cannot be used ({in_words(error)}); start its server or mend "
            "MLFLOW_TRACKING_URI; without that variable, mlflow.db in the working directory is used"
        ) from None  # whose text may quote the address with its secrets, and Prefect would log that


def client_of_store() -> MlflowClient:
    """Return a client of the store, which may not have its tables yet."""
    return _client_of(tracking_uri())


@cache  # a report asks thousands of times
def _client_of(uri: str) -> MlflowClient:
    return MlflowClient(uri)


@cache
def _ensure_tables(uri: str) -> None:
    """Open the store for the first time in this process, which makes the tables of a database that has none."""
    with migration_lock(uri, "mlflow"):
        _client_of(uri).search_experiments(max_results=1)
    expect_answers()


def answers(client: MlflowClient) -> bool:
    """Return whether the store can be asked at all."""
    try:
        client.search_experiments(max_results=1)
    except (MlflowException, SQLAlchemyError, OSError):
        return False
    return True


def set_tags(client: MlflowClient, run_id: str, tags: Iterable[tuple[str, str]]) -> None:
    """Give a run tags, cut to what MLflow takes."""
    # Whatever MLFLOW_ENABLE_ASYNC_LOGGING says: MLflow's own queue is lost with the process, and when a server is away.
    client.log_batch(
        run_id, tags=[entities.RunTag(name, value[:LONGEST_TAG]) for name, value in tags], synchronous=True
    )

"""What keeps trials from going on though none has failed, told while they are waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from distributed import Client, Future, as_completed

from flows.workers.worker_check import faults_of
from tasks.foundation.errors import StoreAwayError
from tasks.foundation.log import task_log
from tasks.tracking import mlflow_client
from tasks.tracking.store_outage import without_waiting

POLL_SECONDS = 0.05
LOOK_SECONDS = 10.0
ALONE_SECONDS = 60.0  # how often it is said that no worker is there


class Watch:
    """Looks at the workers and at the store every few seconds, and tells what has changed.

    Args:
        client: Of the cluster.
        study: The MLflow run of the comparison.
        guests: Whether the workers are somebody else's: then those that join later are looked at too.
    """

    def __init__(self, client: Client, study: str, *, guests: bool) -> None:
        self._client = client
        self._study = study
        self._guests = guests
        self._known = set(client.nthreads())
        self._looked = time.monotonic()
        self._told_alone: float | None = None
        self._away = False

    def look(self) -> None:
        """Look, if the last time is long enough ago."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._look_at_workers()
        self._look_at_store()
        self._looked = time.monotonic()

    def _look_at_workers(self) -> None:
        workers = set(self._client.nthreads())
        if new := workers - self._known if self._guests else None:
            for fault in faults_of(self._client, sorted(new), self._study):
                task_log().warning("A worker that has joined is of no use, and its trials fail: %s", fault)
        self._known = workers
        if workers:
            self._told_alone = None
        elif self._told_alone is None or time.monotonic() - self._told_alone >= ALONE_SECONDS:
            self._told_alone = time.monotonic()
            task_log().warning(
                "No worker is there any more; the trials wait until one is. Start one, or end this with Ctrl-C."
            )

    def _look_at_store(self) -> None:
        try:
            with without_waiting():
                mlflow_client.get_run(self._study)
        except StoreAwayError as away:
            if not self._away:
                task_log().warning("%s. Trials go on, and keep what they record; those that begin wait for it.", away)
            self._away = True
        else:
            if self._away:
                task_log().info("The MLflow store answers again.")
            self._away = False


def as_they_end(client: Client, futures: list[Future], look: Callable[[], None]) -> Iterator[Future]:
    """Yield futures as they end, and call ``look`` meanwhile."""
    completed = as_completed(futures, loop=client.loop, raise_errors=False)
    while not completed.is_empty():
        if completed.has_ready():
            yield next(completed)
        else:
            look()
            time.sleep(POLL_SECONDS)


def result_of(future: Future, look: Callable[[], None]) -> Any:
    """Return what a future comes to, and call ``look`` meanwhile."""
    while not future.done():
        look()
        time.sleep(POLL_SECONDS)
    return future.result()

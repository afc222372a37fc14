"""The Dask workers that the trials of a comparison run on: a cluster of this machine's own, or one that runs already."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Worker, WorkerPlugin
from prefect_dask import DaskTaskRunner

from flows.trial import trials_running
from tasks.errors import InputError

STOP_SECONDS = 6  # for trials to save a checkpoint, before their processes are ended
CONNECT_SECONDS = 10


class QuietWorker(WorkerPlugin):
    """Keeps what a worker's process writes off the terminal, and an interrupt from the terminal from it.

    Args:
        log: Takes what it writes.
    """

    def __init__(self, log: Path) -> None:
        self._log = str(log)

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 - the name is Dask's
        """Called in each worker's process, also in one that replaces another."""
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for descriptor in (1, 2):
            os.dup2(log, descriptor)
        os.close(log)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the comparing process stops the trials


@contextmanager
def dask_workers(count: int | None, address: str | None, log: Path) -> Iterator[DaskTaskRunner]:
    """Yield what submits tasks to a cluster; if the block is left by an error, its trials are stopped first.

    Args:
        count: Workers of a cluster on this machine; none: one a core.
        address: Of a scheduler that runs already; then there is no cluster of our own.
        log: Takes what our own workers write.

    Raises:
        InputError: nothing answers at ``address``, or it has no worker.
    """
    for name in ("distributed", "distributed.worker", "distributed.nanny", "distributed.scheduler"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if address:
        _require_cluster(address)
        runner = DaskTaskRunner(address=address)
    else:
        runner = DaskTaskRunner(
            cluster_kwargs={
                "n_workers": count or cores(),
                "threads_per_worker": 1,
                "memory_limit": 0,  # a worker that is killed for its memory would look like a fault of its trial
                "dashboard_address": None,
                "silence_logs": logging.CRITICAL,
            }
        )
    # A trial whose worker dies runs again, once.
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}), runner:
        client = runner.client
        if not address:
            client.register_plugin(QuietWorker(log))
        try:
            yield runner
        except BaseException:
            stop_trials(client)
            raise


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_count(runner: DaskTaskRunner) -> int:
    """Return how many trials can run at a time."""
    return sum(runner.client.nthreads().values())


def stop_trials(client: Client) -> None:
    """Take back all tasks, and wait for the trials among them to save a checkpoint and end their runs."""
    client.cancel(list(client.futures.values()) and [_future(client, key) for key in list(client.futures)], force=True)
    deadline = time.monotonic() + STOP_SECONDS
    while any(client.run(trials_running, on_error="ignore").values()) and time.monotonic() < deadline:
        time.sleep(0.1)


def _future(client: Client, key: Any) -> Any:
    from distributed import Future

    return Future(key, client)


def _require_cluster(address: str) -> None:
    try:
        with Client(address, timeout=CONNECT_SECONDS, set_as_default=False) as client:
            if not client.nthreads():
                raise InputError(f"dask_address: the Dask scheduler at {address!r} has no worker; start at least one")
    except OSError as error:
        raise InputError(
            f"dask_address: no Dask scheduler answers at {address!r} ({error}); start it with `dask scheduler`, "
            "or leave dask_address out to use this machine"
        ) from error

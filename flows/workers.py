"""The Dask workers that trials run on: a cluster of our own on this machine, or one that runs already."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dask
from distributed import Client, Future
from prefect_dask import DaskTaskRunner

from flows.fork_server import START_METHOD, start_importing
from flows.quiet_worker import QuietWorker
from flows.trial import trials_running
from tasks.errors import InputError

STOP_SECONDS = 6  # for trials to save a checkpoint, before their processes are ended
CONNECT_SECONDS = 10


@contextmanager
def dask_workers(count: int | None, address: str | None, log: Path) -> Iterator[DaskTaskRunner]:
    """Yield what submits tasks to a cluster.

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
        cluster_size(address)
        runner = DaskTaskRunner(address=address)
    else:
        start_importing()
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
    settings = {"distributed.scheduler.allowed-failures": 1, "distributed.worker.multiprocessing-method": START_METHOD}
    with dask.config.set(settings), runner:
        client = runner.client
        if not address:
            client.register_plugin(QuietWorker(log))
        yield runner


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_count(runner: DaskTaskRunner) -> int:
    """Return how many trials can run at a time."""
    return sum(runner.client.nthreads().values())


def stop_trials(client: Client, futures: list[Future]) -> None:
    """Take tasks back, and wait for the trials among them to save a checkpoint and end their runs."""
    client.cancel(futures, force=True)
    deadline = time.monotonic() + STOP_SECONDS
    while any(client.run(trials_running, on_error="return").values()) and time.monotonic() < deadline:
        time.sleep(0.1)


def cluster_size(address: str) -> int:
    """Return how many trials a cluster can run at a time. Raises InputError if there is none, or it has no worker."""
    try:
        with Client(address, timeout=CONNECT_SECONDS, set_as_default=False) as client:
            with suppress(TimeoutError):  # told below; workers may be on their way
                client.wait_for_workers(1, timeout=CONNECT_SECONDS)
            threads: int = sum(client.nthreads().values())
    except OSError as error:
        raise InputError(
            f"dask_address: no Dask scheduler answers at {address!r} ({error}); start it with `dask scheduler`, "
            "or leave dask_address out to use this machine"
        ) from error
    if not threads:
        raise InputError(f"dask_address: the Dask scheduler at {address!r} has no worker; start at least one")
    return threads

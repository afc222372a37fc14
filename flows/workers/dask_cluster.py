"""The Dask workers that trials run on: a cluster of our own on this machine, or one that runs already."""

from __future__ import annotations

import logging
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dask
from distributed import Client
from prefect.settings import get_current_settings
from prefect_dask import DaskTaskRunner

from flows.parameters.compare import CompareParameters
from flows.workers.cpu_quota import cpu_quota
from flows.workers.fork_server import START_METHOD, start_fork_server
from flows.workers.worker_plugin import WorkerSetup
from tasks.foundation.errors import InputError
from tasks.training.device import usable_gpus

CONNECT_SECONDS = 10
OWN_CLUSTER = {
    "threads_per_worker": 1,
    "memory_limit": 0,  # a worker that is killed for its memory would look like a fault of its trial
    "dashboard_address": None,
    # It has an HTTP server all the same, and complains of a port that another comparison has.
    "scheduler_kwargs": {"dashboard_address": "127.0.0.1:0"},
    "silence_logs": logging.CRITICAL,
}
DASK_SETTINGS = {
    "distributed.scheduler.allowed-failures": 1,  # a trial whose worker dies runs again, once
    "distributed.worker.multiprocessing-method": START_METHOD,
    "distributed.worker.profile.enabled": False,  # it looks at every thread a hundred times a second
    "distributed.admin.system-monitor.interval": "10s",  # nobody looks at what it measures
}


@contextmanager
def dask_workers(p: CompareParameters, log: Path) -> Iterator[DaskTaskRunner]:
    """Yield what submits tasks to a cluster: the one at ``p.dask_address``, else one of our own on this machine.

    Args:
        p: How many workers, where.
        log: Takes what our own workers write.

    Raises:
        InputError: nothing answers at the address, or it has no worker.
    """
    for name in ("distributed", "distributed.worker", "distributed.nanny", "distributed.scheduler"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    gpus = usable_gpus(p.device)
    if p.dask_address:
        cluster_size(p.dask_address)
        runner = DaskTaskRunner(address=p.dask_address)
    else:
        start_fork_server()
        runner = DaskTaskRunner(cluster_kwargs={**OWN_CLUSTER, "n_workers": trials_at_a_time(p, len(gpus))})
    with dask.config.set(DASK_SETTINGS), runner:
        client = runner.client
        if not p.dask_address:
            client.register_plugin(WorkerSetup(get_current_settings().api.url, log, gpus))
        yield runner


def trials_at_a_time(p: CompareParameters, gpus: int) -> int:
    """Return how many trials run at a time on this machine: no more than its GPUs are to take, if it has any."""
    wanted = p.workers or max(1, cores() // p.threads)
    return min(wanted, gpus * p.trials_per_gpu) if gpus else wanted


def cores() -> int:
    """Return how many whole cores this process may use, one at least."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.floor(min(count, cpu_quota())))


def worker_count(runner: DaskTaskRunner) -> int:
    """Return how many trials can run at a time."""
    return sum(runner.client.nthreads().values())


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

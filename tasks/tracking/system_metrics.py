"""What a run takes of the machine, recorded while it goes on."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tasks.foundation.errors import StorageError
from tasks.tracking import mlflow_monitor
from tasks.tracking.record import log_metrics

SYSTEM_METRICS_SECONDS = 5
log = logging.getLogger(__name__)


@contextmanager
def recorded_system_metrics(run_id: str, first_step: int) -> Iterator[None]:
    """Record processor, memory, disk, network and GPU use while the block runs, and once more at its end."""
    measure, stop = mlflow_monitor.system_metrics(), threading.Event()

    def watch() -> None:
        for step in itertools.count(first_step):
            stopped = stop.wait(SYSTEM_METRICS_SECONDS)  # at its end, for a run that is shorter has no point else
            try:
                log_metrics(run_id, measure(), step=step)
            except StorageError as error:
                log.warning("System metrics are no longer recorded: %s", error)
                return
            if stopped:
                return

    thread = threading.Thread(target=watch, name=f"system metrics of {run_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()

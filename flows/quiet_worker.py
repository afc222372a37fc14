"""What a Dask worker of our own is given first: a module without imports that write to the terminal themselves."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from distributed import Worker, WorkerPlugin


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

"""What a Dask worker of our own is given first: a module without imports that write to the terminal themselves."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from distributed import Worker, WorkerPlugin


class WorkerSetup(WorkerPlugin):
    """Keeps what a worker's process writes off the terminal, an interrupt from it, and all GPUs but one.

    Args:
        api: The address of the Prefect API, if it has one: the process that a worker is forked off started before it.
        log: Takes what it writes.
        gpus: As CUDA_VISIBLE_DEVICES names them; the workers are dealt out to them in turn.
    """

    def __init__(self, api: str | None, log: Path, gpus: Sequence[str] = ()) -> None:
        self._api = api
        self._log = str(log)
        self._gpus = gpus

    def setup(self, worker: Worker) -> None:
        """Called in each worker's process, also in one that replaces another under its name: its number."""
        if self._gpus:  # before TensorFlow looks for them
            os.environ["CUDA_VISIBLE_DEVICES"] = self._gpus[int(worker.name) % len(self._gpus)]
        log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for descriptor in (1, 2):
            os.dup2(log, descriptor)
        os.close(log)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the comparing process stops the trials

        if self._api:
            from prefect.context import refresh_global_settings_context

            os.environ["PREFECT_API_URL"] = self._api
            refresh_global_settings_context()

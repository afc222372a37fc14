"""Measured processes: each in a directory of its own, without any setting of the person who measures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parent.parent
# What belongs to the machine. All else, above all what Prefect, MLflow and TensorFlow are set to, belongs to a person.
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}
MEMORY_SECONDS = 0.05  # between two looks at the memory of a process


@dataclass(frozen=True)
class Ended:
    """A process that has ended well.

    Attributes:
        seconds: From its start to its exit.
        lines: What it printed on standard output, each line with the seconds from the start.
        peak: Most memory that it had resident at a time, in mebibytes.
        peak_private: The same without the pages of files that it had mapped, which the system takes back at need.
    """

    seconds: float
    lines: tuple[tuple[float, str], ...]
    peak: float
    peak_private: float

    def answer(self) -> Any:
        """Return the JSON of the last line."""
        return json.loads(self.lines[-1][1])


@contextmanager
def workplace() -> Iterator[Path]:
    """Yield an empty directory that serves as home and working directory."""
    with tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def environment(home: Path, **changes: str) -> dict[str, str]:
    """Return the environment of a stranger, with this checkout to import from."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**kept, **QUIET, "HOME": str(home), "PYTHONPATH": str(ROOT), **changes}


def seconds_of(arguments: list[str], home: Path, **changes: str) -> float:
    """Run ``python ARGUMENT...`` in ``home`` and return how long it took, from start to exit, in seconds."""
    return run(arguments, home, **changes).seconds


def answer_of(arguments: list[str], home: Path, **changes: str) -> Any:
    """Run ``python ARGUMENT...`` in ``home`` and return the JSON of the last line that it prints."""
    return run(arguments, home, **changes).answer()


def run(arguments: list[str], home: Path, **changes: str) -> Ended:
    """Run ``python ARGUMENT...`` in ``home`` with ``changes`` in its environment.

    Raises:
        RuntimeError: it failed.
    """
    started = time.perf_counter()
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            [sys.executable, *arguments],
            cwd=home,
            env=environment(home, **changes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
        _memory_of(process.pid) as peaks,
    ):
        assert process.stdout is not None  # noqa: S101 - so PIPE promises
        lines = tuple((time.perf_counter() - started, line.rstrip("\n")) for line in process.stdout)
        status = process.wait()
        seconds = time.perf_counter() - started
        if status:
            errors.seek(0)
            said = "\n".join(line for _, line in lines)
            raise RuntimeError(f"{' '.join(arguments)} ended with status {status}:\n{said}\n{errors.read()}")
    return Ended(seconds, lines, *(peak / 2**20 for peak in peaks))


@contextmanager
def _memory_of(process_id: int) -> Iterator[list[int]]:
    """Watch a process, without its children, and yield its highest resident and private memory so far, in bytes."""
    peaks, stop = [0, 0], threading.Event()

    def watch() -> None:
        while not stop.wait(MEMORY_SECONDS):
            try:
                memory = psutil.Process(process_id).memory_info()
            except psutil.NoSuchProcess:
                return
            # Only Linux tells mapped files apart.
            private = memory.rss - getattr(memory, "shared", 0)
            peaks[:] = max(peaks[0], memory.rss), max(peaks[1], private)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        stop.set()
        thread.join()

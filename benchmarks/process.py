"""Measured processes: each in an empty directory, without any setting of the person who measures."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SETTINGS = re.compile(r"^(PREFECT|MLFLOW|TF_|KERAS|PYTHON|CUDA)")
QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}


@contextmanager
def workplace() -> Iterator[Path]:
    """Yield an empty directory that serves as home and working directory."""
    with tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def environment(home: Path, **changes: str) -> dict[str, str]:
    """Return the environment of a stranger, with this checkout to import from."""
    kept = {name: value for name, value in os.environ.items() if not SETTINGS.match(name)}
    return {**kept, **QUIET, "HOME": str(home), "PYTHONPATH": str(ROOT), **changes}


def seconds_of(arguments: list[str], home: Path, **changes: str) -> float:
    """Run ``python ARGUMENT...`` in ``home`` and return how long it took, from start to exit.

    Raises:
        RuntimeError: it failed.
    """
    started = time.perf_counter()
    _run(arguments, home, changes)
    return time.perf_counter() - started


def answer_of(arguments: list[str], home: Path, **changes: str) -> Any:
    """Run ``python ARGUMENT...`` in ``home`` and return the JSON of the last line that it prints."""
    return json.loads(_run(arguments, home, changes).splitlines()[-1])


def _run(arguments: list[str], home: Path, changes: Mapping[str, str]) -> str:
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=home,
        env=environment(home, **changes),
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with status {ended.returncode}:\n{ended.stdout}{ended.stderr}")
    return ended.stdout

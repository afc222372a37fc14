"""The directory of a run, and the process that holds it.

Whoever trains holds a lock beside the directory. The kernel lets go of it when the process ends, however it does, so
a directory that can be claimed belongs to nobody that lives.
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from tasks.data.bound_dataset import BoundDataset
from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import storing

RUNS = Path("runs")
SETTLED = "settled"  # a marker: MLflow knows all about this run, and its files are kept for resuming it


class HeldError(RuntimeError):
    """A live process holds the directory."""


@dataclass
class Claim:
    """A directory that this process holds.

    Attributes:
        directory: Absolute. Its name is unique, so that it also names the run before there is one.
        state: What is to become of it: ``empty`` and ``finished`` ones are deleted, ``settled`` ones are kept for
            resuming the run, and ``open`` ones are kept with what MLflow still has to learn.
        tags: What the run is to be tagged with, beside what its flow says of it.
        dataset: The data that the run is bound to, if it belongs to a comparison.
        given: What was said of the parameters, for a flow to which Prefect hands defaults too; empty if not noted.
        result: What came of the run, for a caller whom Prefect cannot hand it on.
        missing: What MLflow refused of the run, and what to do about it; empty if it has all.
    """

    directory: Path
    state: Literal["empty", "open", "settled", "finished"] = "empty"
    tags: dict[str, str] = field(default_factory=dict)
    dataset: BoundDataset | None = None
    given: dict[str, Any] = field(default_factory=dict)
    result: object = None
    missing: str = ""


_held: ContextVar[Claim | None] = ContextVar("held", default=None)


def held_claim() -> Claim | None:
    """Return the claim under which this flow already runs, if there is one."""
    return _held.get()


@contextmanager
def claim(directory: Path | None = None) -> Iterator[Claim]:
    """Hold ``directory``, or a new one below ``runs/``, while the block runs.

    Raises:
        HeldError: a live process holds it.
        StorageError: it cannot be made.
    """
    directory = directory or (RUNS / uuid.uuid4().hex).absolute()
    path = lock_path(directory)
    lock = FileLock(path)
    with storing(directory):
        directory.parent.mkdir(exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise HeldError(f"a live process holds {str(directory)!r}") from None
    try:
        claimed = Claim(directory, _state(directory))
        with storing(directory):
            directory.mkdir(exist_ok=True)
            (directory / SETTLED).unlink(missing_ok=True)
        token = _held.set(claimed)
        try:
            yield claimed
        finally:
            _held.reset(token)
            _leave(claimed)
    finally:
        lock.release()


def lock_path(directory: Path) -> Path:
    """Return the lock of a run's directory: beside it, because the directory is deleted while it is held."""
    return directory.with_name(f"{directory.name}.lock")


def has_own_name(directory: Path) -> bool:
    """Return whether a directory has a name that `claim` gives; a copy that somebody made has another."""
    return re.fullmatch("[0-9a-f]{32}", directory.name) is not None


def unsettled() -> list[Path]:
    """Return the directories below ``runs/`` whose runs may be going on, or be left to be closed."""
    directories = [lock.absolute().with_suffix("") for lock in sorted(RUNS.glob("*.lock"))]
    return [directory for directory in directories if not _is_settled(directory)]


def _is_settled(directory: Path) -> bool:
    with suppress(PermissionError):  # a folder that is not ours to look into: whoever claims it says so
        return (directory / SETTLED).exists()
    return False


def _state(directory: Path) -> Literal["empty", "open", "settled"]:
    if not directory.exists():
        return "empty"
    return "settled" if _is_settled(directory) else "open"


def _leave(claimed: Claim) -> None:
    directory = claimed.directory
    if claimed.state == "settled":
        with suppress(OSError):  # on a full disk: then `reconcile` looks after it once more
            (directory / SETTLED).touch()
    elif claimed.state in ("empty", "finished"):
        # Renamed first: half a directory could be taken for that of a run which was killed.
        finished = directory.with_name(f"{directory.name}.finished")
        shutil.rmtree(finished, ignore_errors=True)  # of one that was killed right here
        directory.replace(finished)
        crash_point("directory_renamed")
        shutil.rmtree(finished)
        lock_path(directory).unlink()

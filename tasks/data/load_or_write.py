"""Prepared files: written by one process, once, verified whenever they are used, and made anew if they are damaged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from tasks.data.prepared import DamagedError
from tasks.foundation.durable_files import storing
from tasks.foundation.errors import InputError
from tasks.foundation.log import task_log

Loaded = TypeVar("Loaded")


def load_or_write(
    directory: Path, load: Callable[[], Loaded], write: Callable[[], None], *, lock: Path, anew: str
) -> Loaded:
    """Return what ``load`` makes of a directory, written first if it is not there, and again if it is damaged.

    Args:
        directory: Where the files lie.
        load: Verifies them; raises DamagedError.
        write: Writes them, in place of damaged ones if there are any.
        lock: The file by which one process does this at a time.
        anew: What is done about damage, in words.

    Raises:
        InputError: they are damaged even after they were written again.
        StorageError: nothing can be written there.
    """
    with storing(directory):
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()
    with FileLock(lock):
        if not directory.exists():
            write()
        try:
            return load()
        except DamagedError as damage:
            task_log().warning("The prepared file %s is damaged; %s.", damage.path, anew)
        write()
        try:
            return load()
        except DamagedError as damage:
            raise InputError(
                f"dataset: the prepared file {str(damage.path)!r} is damaged, and was so again after it had been "
                f"written anew; check the disk, or work in a directory on another one"
            ) from damage


def lock_of(directory: Path) -> Path:
    """Return the lock of a prepared dataset, and of all that lies in its directory."""
    return directory.with_name(f"{directory.name}.lock")

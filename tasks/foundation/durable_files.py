"""Files and folders that are whole or not there, whenever the process is killed or, for files, the power goes."""

from __future__ import annotations

import errno
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.foundation.crash_points import crash_point
from tasks.foundation.errors import StorageError


def write_durably(path: Path, content: bytes) -> None:
    """Write ``path`` aside, flush it to the disk, then rename it into place.

    Raises:
        StorageError: it cannot be written; what was there before is as it was.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    with storing(path):
        try:
            with unfinished.open("wb") as file:
                file.write(content[: len(content) // 2])
                crash_point(f"{path.suffix[1:]}_half_written")
                file.write(content[len(content) // 2 :])
                file.flush()
                os.fsync(file.fileno())
            crash_point(f"{path.suffix[1:]}_written")
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        _flush_directory(path.parent)


def append_durably(path: Path, line: bytes) -> None:
    """Append one line, which ends with a newline, and flush it to the disk. Raises StorageError.

    A line that is not surely there is taken back, be it of a full disk or of an interruption: so the next one does not
    continue it, and a line is in the file if and only if the caller was not told otherwise.
    """
    with storing(path), path.open("ab", buffering=0) as file:
        before = file.tell()
        try:
            _write_whole(file, line)
            os.fsync(file.fileno())
        except BaseException:
            os.ftruncate(file.fileno(), before)
            raise


def _write_whole(file: io.FileIO, line: bytes) -> None:
    if file.write(line) < len(line):  # a disk that fills up takes as much as fits
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextmanager
def replacing(directory: Path) -> Iterator[Path]:
    """Yield a new folder beside ``directory``, which takes its place once the block has filled it.

    If the block fails, what was there before is as it was. One process at a time may do this, and whoever reads checks
    what is in it: it is not flushed to the disk.

    Raises:
        StorageError: it cannot be written.
    """
    unfinished, damaged = (directory.with_name(f"{directory.name}.{state}") for state in ("unfinished", "damaged"))
    for left_over in (unfinished, damaged):  # by a process that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    with storing(directory):
        unfinished.mkdir(parents=True)
        try:
            yield unfinished
            if directory.exists():
                directory.rename(damaged)
            unfinished.rename(directory)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.rmtree(damaged, ignore_errors=True)


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn an OSError in the block, which writes ``path``, into a StorageError that says what to do."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(
            f"cannot write {str(path)!r}: {reason}; make room on that disk, or make the folder writable"
        ) from error


def _flush_directory(directory: Path) -> None:
    """Flush a rename to the disk, which is a change of the directory."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Standard output and standard error, whose end is not the end of the command that speaks through them."""

from __future__ import annotations

import io
import os
import select
import sys
from contextlib import suppress
from typing import Any

OUTPUT, ERRORS = 1, 2  # the numbers of their descriptors


class LastingFile(io.FileIO):
    """Drops what cannot be written: the reader has left, the disk is full, the terminal is gone.

    The first time this happens to standard output, standard error is told.
    """

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._told = descriptor == ERRORS

    def write(self, data: Any, /) -> int:
        """Write bytes, and return how many of them are done with."""
        try:
            while (written := super().write(data)) is None:  # somebody made it one that does not wait
                select.select([], [self], [])
        except OSError as error:
            if not self._told:
                self._told = True
                _tell(f"Standard output takes no more ({error.strerror}). The command goes on without it.\n")
            return memoryview(data).nbytes
        return written


def keep_streams() -> None:
    """Let this process go on, whatever becomes of its standard output and standard error.

    Characters that they have no bytes for are written as escapes. A stream that is closed from the start leads
    nowhere: else the next file to be opened would get its number, and with it what libraries write there.
    """
    for descriptor in (0, OUTPUT, ERRORS):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
    sys.stdout, sys.stderr = _lasting(sys.stdout, OUTPUT), _lasting(sys.stderr, ERRORS)


def _lasting(stream: Any, descriptor: int) -> io.TextIOWrapper:
    """Return a stream like the one that Python has made; it has made none for a descriptor that was closed."""
    if stream is not None:
        stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(LastingFile(descriptor)),
        encoding=getattr(stream, "encoding", "utf-8"),
        errors="backslashreplace",
        line_buffering=getattr(stream, "line_buffering", True),
        write_through=getattr(stream, "write_through", False),
    )


def _tell(text: str) -> None:
    with suppress(OSError):
        os.write(ERRORS, text.encode())


def start_anew_with_utf8() -> None:
    """Where the locale knows ASCII alone, start this program anew with UTF-8 for files, names and arguments.

    Only the terminal keeps its encoding. Python does so by itself in the C locale, unless PYTHONUTF8=0 forbids it:
    then names of folders, arguments and files of all libraries would be what nobody can write down.
    """
    if sys.getfilesystemencoding() == "ascii" and os.environ.get("PYTHONUTF8") != "1":
        os.environ["PYTHONUTF8"] = "1"
        os.environ["PYTHONIOENCODING"] = f"{getattr(sys.stdout, 'encoding', 'ascii')}:backslashreplace"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - no shell

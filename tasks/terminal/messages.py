"""How a command speaks to the person in front of it."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rich.console import Console

from tasks.foundation.errors import InputError

ROOT = Path(__file__).parents[2]
OUR_PACKAGES = tuple(str(ROOT / package) + os.sep for package in ("flows", "tasks", "study", "models", "served_model"))


class TerminalHandler(logging.Handler):
    """Prints the pipeline's own log lines as they are, and errors of other libraries.

    Prefect's own lines about states, and its tracebacks, are in its log; the command reports the outcome itself.
    """

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record, above the progress bar if there is one."""
        ours = record.pathname.startswith(OUR_PACKAGES)
        if (ours and record.levelno >= logging.INFO) or (
            record.levelno >= logging.ERROR and not record.name.startswith("prefect")
        ):
            say(self._console, record.getMessage())


def say(console: Console, text: str) -> None:
    """Print plain text: no markup, no pictures for names between colons, no colours, no line breaks of its own."""
    console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=True)


def take_over_logging(console: Console) -> None:
    """Let the pipeline's log lines through to the terminal, in place of what Prefect and MLflow print there."""
    logging.getLogger().handlers = [TerminalHandler(console)]
    # In an outage of its API, Prefect would tell of each event and each line of its log that it cannot send.
    internal = logging.getLogger("prefect._internal")
    internal.handlers, internal.propagate = [], True
    logging.raiseExceptions = False
    for package in ("flows", "tasks"):
        logging.getLogger(package).setLevel(logging.INFO)
    for library in ("mlflow", "alembic"):
        logging.getLogger(library).setLevel(logging.WARNING)
    # It raises what it tells, too: while a disk is full, a page every second.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


@contextmanager
def quiet_start() -> Iterator[None]:
    """Keep TensorFlow's notes about the processor and missing GPUs, which no setting silences, off the terminal.

    They are written by C++ code straight to the file descriptor. Should the start fail, all is shown; not so if it
    was refused or interrupted, which a line of ours explains.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        terminal = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except InputError:
            raise
        except Exception:
            kept.seek(0)
            with suppress(OSError):  # the terminal is gone
                os.write(terminal, kept.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)

"""How a command speaks: our lines as they are, other libraries only when it matters."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tasks.foundation.errors import InputError
from tasks.terminal.messages import ROOT, TerminalHandler, quiet_start, say, take_over_logging


def console(width: int = 40) -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, width=width, force_terminal=True), file


@pytest.mark.parametrize(
    "text", ["[bold]no markup[/bold] [0/10]", "no 'colours' 0.123 /a/path", "mine.py:A: no emoji", "long " * 30]
)
def test_text_is_printed_as_it_is(text: str) -> None:
    target, file = console()
    say(target, text)
    assert file.getvalue() == f"{text}\n"


def record(path: Path | str, level: int, name: str = "prefect.task_runs") -> logging.LogRecord:
    return logging.LogRecord(name, level, str(path), 1, "a line of %s", ("text",), None)


@pytest.mark.parametrize(
    ("path", "level", "name", "shown"),
    [
        (ROOT / "models" / "loss_monitor.py", logging.INFO, "prefect.task_runs", True),
        (ROOT / "tasks" / "fit.py", logging.WARNING, "prefect.task_runs", True),
        (ROOT / "flows" / "train.py", logging.DEBUG, "prefect.flow_runs", False),
        ("/elsewhere/prefect/engine.py", logging.INFO, "prefect.flow_runs", False),
        ("/elsewhere/prefect/engine.py", logging.ERROR, "prefect.flow_runs", False),
        ("/elsewhere/mlflow/store.py", logging.WARNING, "mlflow", False),
        ("/elsewhere/mlflow/store.py", logging.ERROR, "mlflow", True),
        (ROOT / "tests" / "test_x.py", logging.INFO, "tests", False),
        (ROOT / ".venv" / "tasks" / "x.py", logging.INFO, "tasks", False),
    ],
)
def test_our_lines_and_errors_of_others_are_shown(path: Path | str, level: int, name: str, *, shown: bool) -> None:
    target, file = console()
    TerminalHandler(target).emit(record(path, level, name))
    assert file.getvalue() == ("a line of text\n" if shown else "")


@pytest.fixture
def _logging_as_before() -> Iterator[None]:
    names = ("mlflow", "alembic", "mlflow.store.db.utils")
    root, levels = logging.getLogger(), {name: logging.getLogger(name).level for name in names}
    internal = logging.getLogger("prefect._internal")
    handlers, internal_handlers, propagate = root.handlers, internal.handlers, internal.propagate
    yield
    root.handlers = handlers
    internal.handlers, internal.propagate = internal_handlers, propagate
    logging.raiseExceptions = True
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("_logging_as_before")
def test_what_prefect_tells_of_itself_in_an_outage_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    internal = logging.getLogger("prefect._internal")  # as Prefect sets it up
    internal.handlers, internal.propagate = [logging.StreamHandler()], False
    target, file = console()
    take_over_logging(target)
    logging.getLogger("prefect._internal.concurrency").error("an event could not be sent")
    assert (file.getvalue(), capfd.readouterr().err) == ("", "")


@pytest.mark.usefixtures("_logging_as_before")
def test_taking_over_leaves_one_handler() -> None:
    target, file = console()
    take_over_logging(target)
    root = logging.getLogger()
    assert [type(handler) for handler in root.handlers] == [TerminalHandler]
    root.handle(record(ROOT / "tasks" / "fit.py", logging.INFO))
    assert file.getvalue() == "a line of text\n"
    assert not logging.getLogger("alembic.runtime.migration").isEnabledFor(logging.INFO)
    assert not logging.getLogger("mlflow.store").isEnabledFor(logging.INFO)
    assert logging.getLogger("mlflow.store").isEnabledFor(logging.ERROR)
    assert not logging.getLogger("mlflow.store.db.utils").isEnabledFor(logging.ERROR)  # what it raises is told by us


def test_a_quiet_start_shows_nothing_of_what_is_written_to_the_descriptor(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_start():
        os.write(2, b"no GPU was found\n")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_a_start_that_fails_shows_all(capfd: pytest.CaptureFixture[str]) -> None:
    def fails() -> None:
        with quiet_start():
            os.write(2, b"why it failed\n")
            raise ImportError("no")

    with pytest.raises(ImportError):
        fails()
    assert capfd.readouterr().err == "why it failed\n"


def test_a_start_that_is_refused_shows_our_own_line_alone(capfd: pytest.CaptureFixture[str]) -> None:
    def refuses() -> None:
        with quiet_start():
            os.write(2, b"no GPU was found\n")
            raise InputError("device")

    with pytest.raises(InputError):
        refuses()
    assert capfd.readouterr().err == ""

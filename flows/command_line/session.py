"""Run a flow for a person at a terminal, with a Prefect API for as long as it takes."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext, redirect_stdout
from typing import TypeVar

from pydantic import BaseModel
from rich.console import Console

from tasks.foundation.commands import command
from tasks.terminal.messages import quiet_start, say, take_over_logging

Result = TypeVar("Result")
# The exit status of a command that did what it was asked; and of one that did, and whose record or answer is not whole.
DONE, INCOMPLETE = 0, 1


def in_session(console: Console, load: Callable[[], Callable[[], Result]]) -> Result:
    """Return what a flow comes to, with our log lines and progress bars on the console.

    Args:
        console: Where the person looks.
        load: Imports what the flow needs, while the API comes up, and returns what runs it.
    """
    from flows.servers.prefect_api import prefect_api

    # A person's own code may print, where standard output is to have one JSON object.
    aside = redirect_stdout(sys.stderr) if console.stderr else nullcontext()
    with aside, prefect_api() as wait_until_it_answers:
        from tasks.terminal.progress import progress_console

        take_over_logging(console)
        progress_console.set(console)
        with quiet_start():
            run = load()
        take_over_logging(console)  # which what was imported has changed
        wait_until_it_answers()
        return run()


def print_json(result: BaseModel) -> None:
    """Print one JSON object on standard output, in ASCII alone: so it is one whatever the terminal's encoding is."""
    # By way of pydantic's text, in which infinity is null: JSON has no word for it.
    print(json.dumps(json.loads(result.model_dump_json())))


def next_steps(model: str) -> str:
    """Return what a person may do next with the model of a run, or of what a comparison recommends, a line each."""
    return (
        f"Look at its mistakes: {command('mistakes', model)}\n"
        f"Ask it about images:  {command('predict', model, 'FOLDER')}\n"
        f"Put it into use:      {command('promote', model, '--name', 'NAME')}"
    )


def record_status(console: Console, missing: str) -> int:
    """Say what MLflow refused of a run, and return the exit status."""
    if missing:
        say(console, f"\nThe record is not whole. {missing}")
    return INCOMPLETE if missing else DONE

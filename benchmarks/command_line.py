"""How the two commands of this package start, and how they refuse bad input."""

from __future__ import annotations

from collections.abc import Callable

from cyclopts import App
from rich.console import Console

from tasks.foundation.errors import InputError

DONE, MISSED, BAD_INPUT = 0, 1, 2


def run_command(name: str, command: Callable[..., int]) -> int:
    """Run ``command`` with the arguments of this process and return the exit status."""
    app = App(name=name, version_flags=[], result_action="return_value")
    app.default(command)
    try:
        status: int = app()
    except InputError as error:
        Console(stderr=True).print(f"Bad input. {error}", highlight=False)
        return BAD_INPUT
    return status

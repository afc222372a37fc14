"""The progress bar of an epoch, where somebody watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

# Where bars are drawn: the command line sets it. Elsewhere (a worker, a test, a notebook) there are none.
progress_console: ContextVar[Console | None] = ContextVar("progress_console", default=None)


@contextmanager
def epoch_progress(epochs: int, steps: int) -> Iterator[Callable[[int, int], None]]:
    """Draw a bar for the epochs of ``steps`` steps each, and yield what moves it: (epoch from 1, steps done)."""
    console = progress_console.get()
    if console is None or not console.is_terminal:
        yield lambda *_: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("steps"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=steps)

        def move(epoch: int, done: int) -> None:
            progress.update(bar, description=f"Epoch {epoch}/{epochs}", completed=done)

        yield move

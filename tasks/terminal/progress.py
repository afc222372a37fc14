"""Progress bars of what takes a while, where somebody watches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

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


@contextmanager
def images_progress(total: int) -> Iterator[Callable[[int], None]]:
    """Draw a bar for the preparation of ``total`` images, and yield what moves it: how many are done."""
    with _counted("Preparing images", total) as progress:
        yield lambda done: progress.update(progress.task_ids[0], completed=done)


@contextmanager
def comparing_progress(total: int) -> Iterator[Callable[[int], None]]:
    """Draw a bar for comparing ``total`` images, and yield what moves it: how many more are done."""
    with _counted("Comparing images", total) as progress:
        yield lambda more: progress.advance(progress.task_ids[0], more)


@contextmanager
def predicting_progress(total: int) -> Iterator[Callable[[int], None]]:
    """Draw a bar for the predictions for ``total`` images, and yield what moves it: how many more are done."""
    with _counted("Predicting", total) as progress:
        yield lambda more: progress.advance(progress.task_ids[0], more)


@contextmanager
def _counted(what: str, total: int) -> Iterator[Progress]:
    """Draw a bar that counts, where somebody watches."""
    console = progress_console.get()
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    watched = console is not None and console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not watched) as progress:
        progress.add_task("", total=total)
        yield progress


@contextmanager
def trials_progress(total: int) -> Iterator[Callable[[int, int, int, tuple[float, str], float | None], None]]:
    """Draw a bar for ``total`` trials, and yield what moves it.

    That takes how many are done, are running and have failed, the best accuracy with the name of its trial, and the
    seconds that are left, where something is known of them.
    """
    console = progress_console.get()
    if console is None or not console.is_terminal:
        yield lambda *_: None
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("trials{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        bar = progress.add_task("", total=total)

        def move(done: int, running: int, failed: int, best: tuple[float, str], left: float | None) -> None:
            parts = [f", {running} running"]
            parts += [f", {failed} failed"] if failed else []
            parts += [f", best {best[0]:.4f} ({best[1]})"] if best[1] else []
            parts += [f", about {in_words(left)} left"] if left is not None else []
            progress.update(bar, description="".join(parts), completed=done)

        yield move


def in_words(seconds: float) -> str:
    """Return a duration as a person says it: ``40 s``, ``4 min``, ``2 h 10 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"

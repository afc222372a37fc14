"""The bar of an epoch: where somebody watches, and nowhere else."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from rich.console import Console

from tasks.terminal.messages import say
from tasks.terminal.progress import (
    epoch_progress,
    images_progress,
    in_words,
    predicting_progress,
    progress_console,
    trials_progress,
)

LINE = "Epoch:[  1/  2], step:[    4/    6], loss:[2.307/2.286], time:304.062 ms, lr:0.01000"


@pytest.fixture
def screen() -> Iterator[io.StringIO]:
    """What a terminal of 80 columns, on which bars are drawn, was sent."""
    file = io.StringIO()
    token = progress_console.set(Console(file=file, force_terminal=True, width=80, color_system=None))
    yield file
    progress_console.reset(token)


def console() -> Console:
    found = progress_console.get()
    assert found
    return found


@pytest.mark.parametrize(("epoch", "done"), [(1, 0), (2, 4), (2, 6)])
def test_on_a_terminal_the_bar_shows_epoch_and_steps(screen: io.StringIO, epoch: int, done: int) -> None:
    with epoch_progress(2, 6) as progress:
        progress(epoch, done)
    assert re.search(rf"Epoch {epoch}/2 .* {done}/6 steps", screen.getvalue())


def test_the_bar_is_gone_when_training_is_over(screen: io.StringIO) -> None:
    with epoch_progress(2, 6) as progress:
        progress(2, 6)
    assert screen.getvalue().endswith("\x1b[2K")  # the line is erased last


def test_lines_that_are_printed_while_the_bar_is_drawn_are_whole(screen: io.StringIO) -> None:
    with epoch_progress(2, 6) as progress:
        for step in range(1, 7):
            progress(1, step)
            say(console(), f"{step} {LINE}")
    written = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue()).replace("\r", "\n").split("\n")
    assert [line for line in written if LINE in line] == [f"{step} {LINE}" for step in range(1, 7)]


def test_a_bar_of_pictures_counts_those_that_are_answered(screen: io.StringIO) -> None:
    with predicting_progress(300) as advance:
        advance(200)
        advance(50)
    assert re.search(r"Predicting .* 250/300", screen.getvalue())


def test_where_nobody_watches_nothing_is_drawn() -> None:
    file = io.StringIO()
    token = progress_console.set(Console(file=file, force_terminal=False))
    with epoch_progress(2, 6) as progress:
        progress(1, 6)
    progress_console.reset(token)
    assert file.getvalue() == ""


def test_the_bar_of_a_preparation_says_how_many_images_are_done(screen: io.StringIO) -> None:
    with images_progress(2000) as show:
        show(0)
        show(1024)
    assert "Preparing images" in screen.getvalue()
    assert "1024/2000" in screen.getvalue()


def test_without_a_console_nothing_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    assert progress_console.get() is None
    with epoch_progress(2, 6) as progress:
        progress(1, 6)
    with images_progress(6) as show:
        show(6)
    assert capsys.readouterr() == ("", "")


def test_the_bar_of_a_comparison_says_how_it_goes(screen: io.StringIO) -> None:
    console().width = 140
    with trials_progress(36) as show:
        show(0, 2, 0, (0.0, ""), None)
        show(12, 2, 1, (0.98612, "adam 0.001 s0 digits"), 200.0)
    written = screen.getvalue()
    assert "12/36 trials, 2 running, 1 failed, best 0.9861 (adam 0.001 s0 digits), about 3 min left" in written


@pytest.mark.parametrize(
    ("seconds", "words"), [(3.4, "3 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (5400, "1 h 30 min")]
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words

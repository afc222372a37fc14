"""The command `mistakes`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from flows.command_line.session import DONE
from tasks.foundation.writable import require_writable_folder
from tasks.terminal.messages import say, take_over_logging


def mistakes(run: str, /, *, output: Path | None = None) -> int:
    """Look at what a model still gets wrong: its worst images, confused classes, and labels to doubt.

    It is made from the predictions that runs have kept, without the network.

    Args:
        run: An MLflow run, or a registered model as NAME@ALIAS; or the run of a comparison, for the confirmed models of
            what it recommends.
        output: The folder to write to; none: reports/RUN.
    """
    if output:
        require_writable_folder("output", output)
    from flows.mistakes.mistakes_report import report_mistakes

    console = Console()
    take_over_logging(console)
    found = report_mistakes(run, output)
    lines = [found.headline, *(f"- {sentence}" for sentence in (*found.sentences, found.no_pictures) if sentence)]
    say(console, "\n".join(lines))
    if found.cover_more:
        say(console, "\n{}\n  {}".format(*found.cover_more))
    say(console, f"\nThe page    {found.page}\nThe labels  {found.issues}")
    return DONE

"""The command `export`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from flows.command_line.session import DONE
from tasks.terminal.messages import quiet_start, say, take_over_logging


def export(model: str, file: Path, /) -> int:
    """Write a stored model for another runtime, LiteRT (.tflite) or ONNX (.onnx).

    It is kept only if it gives the same answers there. Beside it, as FILE.tflite.json, lies what it takes and gives.

    Args:
        model: A run; a comparison, whose recommended model is meant; or a registered model, NAME@ALIAS or NAME/VERSION.
        file: FILE.tflite or FILE.onnx; what was there before is replaced.
    """
    from tasks.prediction.exported_model import CHECKED, TOLERANCE, about_file, export_model, require_writable
    from tasks.prediction.fetched_model import fetched_model

    require_writable(file)
    console = Console()
    take_over_logging(console)
    with fetched_model(model) as fetched, quiet_start():
        difference = export_model(fetched, fetched.opened().probabilities, file)
    say(
        console,
        f"The model of run {fetched.run_id} as {file.absolute()}\nWhat it takes and gives  "
        f"{about_file(file).absolute()}\nOf {CHECKED} made-up images the probabilities differ by "
        f"{difference:.1g} at most ({TOLERANCE:g} is allowed).",
    )
    return DONE

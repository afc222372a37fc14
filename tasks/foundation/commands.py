"""Commands of this pipeline as they are printed for a person: they work as they stand, where this process works."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


def command(*words: str) -> str:
    """Return ``python -m flows WORD...`` for a shell in this working directory, with the Python that runs this.

    A Python below the working directory, as ``.venv/bin/python`` is in a checkout, is named from there.
    """
    python = Path(sys.executable)
    try:
        here = Path.cwd()
    except OSError:  # somebody has deleted it: any other will do
        here = Path("/")
    if python.parent != here != Path("/") and python.is_relative_to(here):
        python = python.relative_to(here)
    found = "" if (here / "flows" / "__main__.py").is_file() else f"PYTHONPATH={shlex.quote(str(CHECKOUT))} "
    return found + shlex.join([str(python), "-m", "flows", *words])

"""A command that is printed works as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.foundation.commands import CHECKOUT, command


def helps(printed: str, directory: Path) -> bool:
    """Whether a printed command answers to --help in a shell that knows nothing of this project."""
    ran = subprocess.run(
        ["/bin/sh", "-c", printed],
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "HOME": str(directory)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran
    return "Usage: " in ran.stdout


def test_in_the_checkout_it_is_short_and_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CHECKOUT)
    monkeypatch.setattr(sys, "executable", str(CHECKOUT / ".venv" / "bin" / "python"))
    assert command("train", "--resume", "0a1b") == ".venv/bin/python -m flows train --resume 0a1b"


def test_elsewhere_it_names_all_that_it_takes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    printed = command("train", "--help")
    assert printed.endswith(f"{sys.executable} -m flows train --help")
    assert helps(printed, tmp_path)


def test_it_works_with_whatever_python_and_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    place = tmp_path / "it's a place; with $names"
    place.mkdir()
    (place / "flows").symlink_to(CHECKOUT / "flows")
    for room in ("tasks", "models", "study", "served_model"):
        (place / room).symlink_to(CHECKOUT / room)
    python = place / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.chdir(place)
    assert helps(command("--help"), place)
    monkeypatch.chdir(tmp_path)
    assert helps(command("--help"), tmp_path)


def test_what_is_said_at_the_end_of_a_run_does_not_need_the_working_directory(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    before = Path.cwd()
    os.chdir(gone)
    gone.rmdir()
    try:
        assert command("reconcile").endswith(f"{sys.executable} -m flows reconcile")
    finally:
        os.chdir(before)

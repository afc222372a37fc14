"""What `make train` and `make compare` run, which is said and not done."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def command_of(target: str, arguments: str) -> str:
    """Return the last line of what ``make TARGET`` would run: what is before sets up."""
    words = ["make", "--dry-run", "--no-print-directory", target, f"ARGS={arguments}"]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return " ".join(said.splitlines()[-1].split())


@pytest.mark.parametrize("target", ["train", "compare"])
@pytest.mark.parametrize(
    ("arguments", "handed_on"),
    [
        ("", "--dataset digits"),
        ("--epochs 3", "--dataset digits --epochs 3"),
        ("--dataset mnist", "--dataset mnist"),
        ("--json --dataset=mnist", "--json --dataset=mnist"),
        ("--resume abc", "--resume abc"),
        ("--json --resume=abc", "--json --resume=abc"),
    ],
)
def test_digits_are_the_dataset_unless_another_is_meant(target: str, arguments: str, handed_on: str) -> None:
    assert command_of(target, arguments) == f".venv/bin/python -m flows {target} {handed_on}"

"""How a benchmark is to be run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """How a benchmark is to be run.

    Attributes:
        rounds: How often each thing is measured, in turn with the others.
        say: Takes a line of progress.
        real: Have `trust` train on real images, in place of simulating.
        small: Take sizes that are soon done, to try the benchmark itself; targets are not meant for them.
    """

    rounds: int
    say: Callable[[str], None]
    small: bool = False
    real: bool = False

    def progress(self, number: int, text: str) -> None:
        """Say what was measured in the round ``number``, from 0."""
        self.say(f"round {number + 1} of {self.rounds}: {text}")

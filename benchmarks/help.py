"""How long the help of the command line takes."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.process import seconds_of, workplace
from benchmarks.result import Figure, Ratio, Result, make_result


def help_text(rounds: int, say: Callable[[str], None]) -> Result:
    """Measure ``python -m flows --help``; target: under a second."""
    with workplace() as home:
        seconds = [seconds_of(["-m", "flows", "--help"], home) for _ in range(rounds)]
    say(f"{rounds} rounds")
    ratio = Ratio(name="seconds / 1 second", values=seconds, at_most=1)
    return make_result("help", [Figure(name="help", unit="s", values=seconds)], [ratio])

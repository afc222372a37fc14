"""How long the help of the command line takes."""

from __future__ import annotations

from benchmarks.plan import Plan
from benchmarks.process import seconds_of, workplace
from benchmarks.result import Figure, Ratio, Result, make_result


def help_text(plan: Plan) -> Result:
    """Measure ``python -m flows --help``; target: under a second."""
    with workplace() as home:
        seconds = [seconds_of(["-m", "flows", "--help"], home) for _ in range(plan.rounds)]
    ratio = Ratio(name="seconds / 1 second", values=seconds, at_most=1)
    return make_result("help", [Figure(name="help", unit="s", values=seconds)], [ratio])

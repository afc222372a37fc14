"""Whether a trial takes as long in a comparison of many as in one of few."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from benchmarks.plan import Plan
from benchmarks.process import run, workplace
from benchmarks.result import Figure, Ratio, ratios_of

TRIALS, SMALL = (4, 16, 64), (4, 6)
WORKERS = 2
TINY = ["--dataset", "digits", "--limit-examples", "200", "--epochs", "1"]
COMPARE = ["-m", "flows", "compare", *TINY, "--optimizers", "sgd,momentum", "--grid-size", "1", "--looks", "none"]
OPTIMIZERS = 2
DONE = re.compile(r"Trial \d+ of \d+: ")


def measure_trials(plan: Plan) -> tuple[list[Figure], list[Ratio]]:
    """Return seconds a trial by the size of the comparison, of trials that are over at once; target: flat."""
    sizes = SMALL if plan.small else TRIALS
    measured: dict[int, list[float]] = {size: [] for size in sizes}
    for number in range(plan.rounds):
        for size in sizes:
            command = [*COMPARE, "--seeds", str(size // OPTIMIZERS), "--workers", str(WORKERS)]
            with workplace() as home:
                lines = run(command, home).lines
            measured[size].append(seconds_a_trial(lines))
            plan.progress(number, f"{size} trials: {measured[size][-1]:.2f} s a trial")
    figures = [
        Figure(name=f"a trial, of {size} on {WORKERS} workers", unit="s", values=values)
        for size, values in measured.items()
    ]
    ratios = [
        Ratio(name=f"a trial, of {many} / of {few}", values=ratios_of(above, below), at_most=1.15)
        for (few, below), (many, above) in pairwise(zip(sizes, figures, strict=True))
    ]
    return figures, ratios


def seconds_a_trial(lines: Sequence[tuple[float, str]]) -> float:
    """Return the seconds between two trials that are done, from lines with the seconds at which they were printed.

    The first trial of each worker warms it up, and does not count.
    """
    done = [seconds for seconds, line in lines if DONE.match(line)]
    if len(done) <= WORKERS:
        raise RuntimeError(f"a comparison printed {len(done)} lines of trials; more than {WORKERS} are needed")
    return (done[-1] - done[WORKERS - 1]) / (len(done) - WORKERS)

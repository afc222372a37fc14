"""How long the report of a comparison takes, and the opening of the store, as runs in it grow more."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from benchmarks.plan import Plan
from benchmarks.process import answer_of, seconds_of, workplace
from benchmarks.result import Figure, Ratio, ratios_of

RUNS, SMALL = (10, 100, 1000), (10, 30)
REPORT_SECONDS = 10.0


def measure_store(plan: Plan) -> tuple[list[Figure], list[Ratio]]:
    """Return seconds by the number of stored runs; target: ten seconds for the report of the most of them."""
    sizes = SMALL if plan.small else RUNS
    reports: dict[int, list[float]] = {size: [] for size in sizes}
    openings: dict[int, list[float]] = {size: [] for size in sizes}
    with ExitStack() as stack:
        stores = {size: _filled(plan, stack.enter_context(workplace()), size) for size in sizes}
        for number in range(plan.rounds):
            for size, (home, study) in stores.items():
                reports[size].append(seconds_of(["-m", "flows", "report", study], home))
                openings[size].append(answer_of(["-m", "benchmarks.programs.opened"], home))
                said = f"{size} stored runs: report {reports[size][-1]:.1f} s, opening {openings[size][-1]:.2f} s"
                plan.progress(number, said)
    opened = [_figure("opening the store", size, values) for size, values in openings.items()]
    reported = [_figure("report", size, values) for size, values in reports.items()]
    most = reported[-1]
    ratios = [
        Ratio(name=f"{most.name} / 10 s", values=[value / REPORT_SECONDS for value in most.values], at_most=1),
        Ratio(name=f"{opened[-1].name} / of {sizes[0]}", values=ratios_of(opened[-1], opened[0])),
    ]
    return [*reported, *opened], ratios


def _filled(plan: Plan, home: Path, size: int) -> tuple[Path, str]:
    """Fill the store of a directory with a comparison of so many runs, and return both."""
    plan.say(f"storing {size} runs")
    return home, answer_of(["-m", "benchmarks.programs.stored", str(size)], home)


def _figure(what: str, size: int, values: list[float]) -> Figure:
    return Figure(name=f"{what}, {size:,} stored runs", unit="s", values=values)

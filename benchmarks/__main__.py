"""The command line: ``python -m benchmarks [NAME ...]``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console

from benchmarks.augment import augment
from benchmarks.command_line import DONE, MISSED, run_command
from benchmarks.compare import compare
from benchmarks.growth import growth
from benchmarks.help import help_text
from benchmarks.label_issues import label_issues
from benchmarks.overhead import overhead
from benchmarks.plan import Plan
from benchmarks.predict import predict
from benchmarks.prepare import prepare
from benchmarks.result import Result, show
from benchmarks.step import step
from benchmarks.trust import trust
from tasks.foundation.errors import InputError

BENCHMARKS: dict[str, Callable[[Plan], Result]] = {
    "help": help_text,
    "step": step,
    "augment": augment,
    "overhead": overhead,
    "prepare": prepare,
    "predict": predict,
    "compare": compare,
    "growth": growth,
    "trust": trust,
    "label_issues": label_issues,
}
LOG_WIDTH = 120  # characters, where there is no terminal whose width could be asked for


def run(
    *names: str,
    rounds: int = 3,
    output: Path = Path("benchmarks/results"),
    small: Annotated[bool, Parameter(negative="")] = False,
    real: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Measure, print a table, and write NAME.json; the status is 1 if a target is missed.

    Args:
        *names: Which of them: help, step, augment, overhead, prepare, predict, compare, growth, trust, label_issues;
            none: all.
        rounds: How often each thing is measured, in turn with the others.
        output: The folder that takes the JSON.
        small: Take sizes that are soon done, to try a benchmark itself; the targets are not meant for them.
        real: Have trust train small studies on disjoint pools of MNIST, in place of simulating; writes trust-real.json.
    """
    missed: list[str] = []
    console = Console() if sys.stdout.isatty() else Console(width=LOG_WIDTH)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        raise InputError(f"unknown benchmark {unknown[0]!r}; choose from: {', '.join(BENCHMARKS)}")
    if real and names != ("trust",):
        raise InputError(
            f"--real: it belongs to trust alone, received {', '.join(names) or 'all'}; ask for: trust --real"
        )
    if rounds < 1:
        raise InputError(f"--rounds: received {rounds}; allowed: at least 1")
    output.mkdir(parents=True, exist_ok=True)
    plan = Plan(rounds, lambda text: console.print(f"  {text}", highlight=False), small=small, real=real)
    for name in names or BENCHMARKS:
        console.print(f"Measuring {name}.", highlight=False)
        result = BENCHMARKS[name](plan)
        (output / f"{result.benchmark}.json").write_text(result.model_dump_json(indent=2) + "\n", encoding="utf-8")
        show(result, console)
        missed += [] if result.met() else [name]
    if missed:
        console.print(f"Targets missed: {', '.join(missed)}.", highlight=False)
    return MISSED if missed else DONE


if __name__ == "__main__":
    sys.exit(run_command("python -m benchmarks", run))

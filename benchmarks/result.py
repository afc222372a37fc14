"""What a benchmark found: figures, ratios taken in turn, and whether the targets are met."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from benchmarks.rate import Rate, rate_tables

PACKAGES = ("tensorflow", "keras", "prefect", "mlflow", "tensorflow-datasets", "numpy")


class Figure(BaseModel):
    """One thing that was measured, once a round."""

    name: str
    unit: str
    values: list[float]


class Ratio(BaseModel):
    """Two figures of the same round divided, once a round; its median is held against the target."""

    name: str
    values: list[float]
    at_most: float | None = None
    at_least: float | None = None

    def met(self) -> bool:
        """Return whether the median is on the right side of the target, if there is one."""
        middle = median(self.values)
        return (self.at_most is None or middle <= self.at_most) and (self.at_least is None or middle >= self.at_least)

    def target(self) -> str:
        """Say what is asked for, and whether it is met; nothing where nothing is asked for."""
        asked = {"at most": self.at_most, "at least": self.at_least}
        outcome = "met" if self.met() else "[bold red]missed[/bold red]"
        return "".join(f"{words} {limit:g}: {outcome}" for words, limit in asked.items() if limit is not None)


class Result(BaseModel):
    """Everything that one benchmark found, and where."""

    benchmark: str
    figures: list[Figure]
    ratios: list[Ratio]
    rates: list[Rate] = []
    notes: list[str] = []
    time: str
    commit: str
    versions: dict[str, str]
    hardware: dict[str, str | int | float]

    def met(self) -> bool:
        """Return whether every target is met."""
        return all(ratio.met() for ratio in self.ratios) and all(rate.met() for rate in self.rates)


def make_result(
    benchmark: str,
    figures: list[Figure],
    ratios: list[Ratio],
    notes: list[str] | None = None,
    rates: list[Rate] | None = None,
) -> Result:
    """Return a result with the time, the commit, the versions and the hardware of this process."""
    return Result(
        benchmark=benchmark,
        figures=figures,
        ratios=ratios,
        rates=rates or [],
        notes=notes or [],
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=_commit(),
        versions={"python": platform.python_version(), **{package: version(package) for package in PACKAGES}},
        hardware=_hardware(),
    )


def ratios_of(above: Figure, below: Figure) -> list[float]:
    """Return the quotient of each round."""
    return [one / other for one, other in zip(above.values, below.values, strict=True)]


def show(result: Result, console: Console) -> None:
    """Print a result as a table: medians, and the least and the most of the rounds."""
    table = Table(title=f"{result.benchmark}, {len(result.figures[0].values)} rounds")
    for heading, justify in (("", "left"), ("median", "right"), ("least to most", "right"), ("target", "left")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for figure in result.figures:
        table.add_row(f"{figure.name}, {figure.unit}", *_middle_and_spread(figure.values), "")
    for ratio in result.ratios:
        table.add_row(ratio.name, *_middle_and_spread(ratio.values), ratio.target())
    for each in (table, *rate_tables(result.rates)):
        console.print(each)
    for note in result.notes:
        console.print(f"  {note}", highlight=False)


def _middle_and_spread(values: list[float]) -> tuple[str, str]:
    return _three_digits(median(values)), f"{_three_digits(min(values))} to {_three_digits(max(values))}"


def _three_digits(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def _commit() -> str:
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],  # noqa: S607 - whichever git the person has
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return described.stdout.strip() or "unknown"


def _hardware() -> dict[str, str | int | float]:
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory_gibibytes": round(psutil.virtual_memory().total / 2**30, 1),
        "gpu": _gpu(),
        "system": platform.platform(),
    }


def _gpu() -> str:
    """Return the names of the GPUs that NVIDIA's own tool lists."""
    if not (tool := shutil.which("nvidia-smi")):
        return "none"
    listed = subprocess.run(
        [tool, "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, check=False
    )
    return ", ".join(listed.stdout.splitlines()) if listed.returncode == 0 else "none"


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        names = [line for line in information.read_text().splitlines() if line.startswith("model name")]
        if names:
            return names[0].partition(":")[2].strip()
    return platform.processor() or platform.machine()

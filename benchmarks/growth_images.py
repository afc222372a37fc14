"""Whether time an image and memory stay the same as images grow more."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from benchmarks.mnist import write_synthetic
from benchmarks.plan import Plan
from benchmarks.process import run, workplace
from benchmarks.result import Figure, Ratio, ratios_of

FEW, SMALL = 60_000, 3_000
TIMES = 10  # as many in the larger set
TEST_IMAGES = 1_000
PREPARE = ["-m", "benchmarks.programs.prepare"]
# The first epoch traces; the second counts.
TRAIN = ["-m", "flows", "train", "--dataset", "mnist", "--download=false", "--validation-fraction", "0", "--json"]
EPOCHS = ["--epochs", "2", "--print-every", "0"]
UNITS = {
    "preparing": "ms an image",
    "preparing, private memory": "MiB",
    "preparing, all memory": "MiB",
    "training": "ms a step",
    "training, private memory": "MiB",
    "training, all memory": "MiB",
}


def measure_images(plan: Plan) -> tuple[list[Figure], list[Ratio]]:
    """Return time and peak memory for a set and one ten times as large; target: neither is more than 1.15 times."""
    few = SMALL if plan.small else FEW
    sizes = (few, TIMES * few)
    measured: dict[int, dict[str, list[float]]] = {size: defaultdict(list) for size in sizes}
    with workplace() as few_data, workplace() as many_data:
        data = dict(zip(sizes, (few_data, many_data), strict=True))
        for size, directory in data.items():
            plan.say(f"writing {size:,} images")
            write_synthetic(directory, size, TEST_IMAGES)
        for number in range(plan.rounds):
            for size, directory in data.items():
                found = _prepared_and_trained(directory, size)
                for what, value in found.items():
                    measured[size][what].append(value)
                said = ", ".join(f"{what} {value:.4g} {UNITS[what]}" for what, value in found.items())
                plan.progress(number, f"{size:,} images: {said}")
    figures = {
        (what, size): Figure(name=f"{what}, {size:,} images", unit=unit, values=measured[size][what])
        for what, unit in UNITS.items()
        for size in sizes
    }
    ratios = [
        Ratio(
            name=f"{what}, {sizes[1]:,} / {sizes[0]:,} images",
            values=ratios_of(figures[what, sizes[1]], figures[what, sizes[0]]),
            at_most=None if "all memory" in what else 1.15,
        )
        for what in UNITS
    ]
    return list(figures.values()), ratios


def _prepared_and_trained(data: Path, size: int) -> dict[str, float]:
    """Return what preparing and training take, in the units of `UNITS`."""
    with workplace() as home:
        prepared = run(PREPARE, home, TFDS_DATA_DIR=str(data))
        trained = run([*TRAIN, *EPOCHS], home, TFDS_DATA_DIR=str(data))
    return {
        "preparing": prepared.answer() / (size + TEST_IMAGES) * 1000,
        "preparing, private memory": prepared.peak_private,
        "preparing, all memory": prepared.peak,
        "training": trained.answer()["epochs"][-1]["step_milliseconds"],
        "training, private memory": trained.peak_private,
        "training, all memory": trained.peak,
    }

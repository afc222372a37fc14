"""MNIST for the programs that are measured: the real one, or a set of the same size and form."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.plan import Plan
from benchmarks.process import ROOT, run, workplace

IMAGES, SMALL = (60_000, 10_000), (3_200, 500)  # for training and for testing


@contextmanager
def mnist(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the folder of prepared tensorflow-datasets that has MNIST, and a sentence that says which one it is."""
    place = None if plan.small else real_mnist()
    if place:
        yield str(place), "The data is the real MNIST."
        return
    training, test = SMALL if plan.small else IMAGES
    with workplace() as home:
        plan.say("writing synthetic images")
        write_synthetic(home, training, test)
        note = f"The data is synthetic, of MNIST's form: {training:,} images for training, {test:,} for testing."
        yield str(home), note if plan.small else f"{note} TFDS_DATA_DIR names no folder that has the real one."


def write_synthetic(home: Path, training: int, test: int, name: str = "mnist") -> None:
    """Write so many images to ``home`` as tensorflow-datasets has MNIST, or CIFAR-10."""
    run(["-m", "benchmarks.programs.synthetic", str(home), str(training), str(test), name], home)


def real_mnist() -> Path | None:
    """Return the folder of prepared tensorflow-datasets that has MNIST, if there is one."""
    named = os.environ.get("TFDS_DATA_DIR")
    places = [Path(named)] if named else [ROOT.parent / "shared" / "tfds", Path.home() / "tensorflow_datasets"]
    return next((place.absolute() for place in places if (place / "mnist").is_dir()), None)

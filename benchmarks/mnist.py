"""Where the real MNIST is."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.process import ROOT
from tasks.errors import InputError


def mnist_directory() -> str:
    """Return the folder of prepared tensorflow-datasets that has MNIST. Raises InputError if there is none."""
    named = os.environ.get("TFDS_DATA_DIR")
    places = [Path(named)] if named else [ROOT.parent / "shared" / "tfds", Path.home() / "tensorflow_datasets"]
    for place in places:
        if (place / "mnist").is_dir():
            return str(place.absolute())
    raise InputError(
        f"MNIST is not prepared in {' or '.join(map(str, places))}; set TFDS_DATA_DIR to a folder that has it, or make "
        "one: python -c 'import tensorflow_datasets; tensorflow_datasets.load(\"mnist\")'"
    )

"""Where images come from, by the name of a dataset: scikit-learn's digits, tensorflow-datasets, a folder, a CSV."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from served_model.fit import Fit
from served_model.resizing import resize
from tasks.sources.chosen_classes import only_classes
from tasks.sources.csv_source import csv_identity, csv_source
from tasks.sources.dataset_names import csv_of, folder_of
from tasks.sources.folder_source import folder_identity, folder_source
from tasks.sources.images import Reading, Source
from tasks.sources.tfds_location import found_location, tfds_identity


def identify(dataset: str, data_dir: str | None) -> str | None:
    """Return what ``dataset`` holds, as a text that changes with it, without what it takes to read images.

    Returns:
        None for a set of tensorflow-datasets that was not looked for yet, or is gone: `open_source` finds it.

    Raises:
        InputError: a folder, or a file in it, is not there or cannot be read.
        StorageError: what is remembered of the source cannot be kept.
    """
    if dataset == "digits":
        return _digits_identity()
    if dataset.startswith("folder:"):
        return folder_identity(folder_of(dataset))
    if dataset.startswith("csv:"):
        return csv_identity(csv_of(dataset))
    location = found_location(dataset, data_dir)
    return tfds_identity(location) if location else None


def _digits_identity() -> str:
    return f"digits scikit-learn {version('scikit-learn')}"


def open_source(dataset: str, *, data_dir: str | None, download: bool, reading: Reading | None = None) -> Source:
    """Return the source of ``dataset``, downloaded if it must be and may be, to be read as ``reading`` says.

    Raises:
        InputError: it cannot be had, or holds no such classes.
    """
    how = reading or Reading()
    return only_classes(_source(dataset, data_dir, how, download=download), how.classes)


def _source(dataset: str, data_dir: str | None, reading: Reading, *, download: bool) -> Source:
    if dataset == "digits":
        return _digits(reading.fit)
    if dataset.startswith("folder:"):
        return folder_source(folder_of(dataset), reading)
    if dataset.startswith("csv:"):
        return csv_source(csv_of(dataset), reading)
    # Imported where it is needed: it takes seconds, and a prepared dataset is opened without it.
    from tasks.sources.lazy_imports import keep_lazy_imports_to_their_thread

    keep_lazy_imports_to_their_thread()
    from tasks.sources.tfds_source import tensorflow_dataset

    return tensorflow_dataset(dataset, data_dir=data_dir, download=download, fit=reading.fit)


def _digits(fit: Fit) -> Source:
    """The 1,797 scans of 8x8 pixels, 17 grey levels, that lie inside scikit-learn (no download)."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images[..., np.newaxis] * (255 / 16)).astype(np.uint8)
    return Source(
        location="scikit-learn's load_digits",
        classes=tuple(str(name) for name in bunch.target_names),
        channels=1,
        counts={"train": len(images)},
        blocks={"train": lambda size: iter([(resize(images, size, fit).numpy(), bunch.target)])},
        identity=_digits_identity,
    )

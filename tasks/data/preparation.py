"""How a dataset is prepared: where it lies then, and its arrays and manifest, written aside and renamed when whole."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np

from served_model.fit import Fit
from tasks.data.copies import exact_copies
from tasks.data.descriptions import groups_of, write_descriptions
from tasks.data.image_file import reserved, shortened
from tasks.data.prepared import MANIFEST, MANIFEST_DIGEST, UNITS, PreparedDataset, Split
from tasks.data.splits import leaked, require_labels, require_trained_classes, split_examples
from tasks.data.units import KeepTogether, copies_of, units_of
from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import replacing
from tasks.foundation.errors import InputError
from tasks.sources.checksums import DATA, sha256
from tasks.sources.images import Reading, Source, SourceFacts
from tasks.terminal.progress import images_progress

# Raised whenever the files below change their meaning: sets prepared by an older version are then made anew.
FORMAT = 2
# How all sets were prepared when it could not be said yet: these are known by what they were known by then.
UNSAID = {"fit": "stretch", "classes": None, "skip_broken": False, "keep_together": "exact"}
STATISTICS_BYTES = 2**20  # of pixels, counted at a time


@dataclass(frozen=True)
class Preparation:
    """What a dataset is made into.

    Attributes:
        dataset: Its name, as the user gave it.
        source: What it holds, as `identify` says it.
        image_size: Pixels a side.
        validation_fraction: Share of the training split to be held back for validation.
        limit_examples: At most so many examples of each split; none: all.
        fit: How an image that is not square becomes square.
        classes: The names of those classes that are used; none: all.
        skip_broken: Whether images that cannot be read are left out.
        keep_together: Which images are never in two of the splits that are drawn.
    """

    dataset: str
    source: str
    image_size: int
    validation_fraction: float
    limit_examples: int | None = None
    fit: Fit = "stretch"
    classes: tuple[str, ...] | None = None
    skip_broken: bool = False
    keep_together: KeepTogether = "exact"

    def reading(self) -> Reading:
        """Return how the source is read."""
        return Reading(self.fit, self.classes, self.skip_broken)

    def directory(self) -> Path:
        """Return where it lies once it is prepared."""
        made_from = {"format": FORMAT, **asdict(self)}
        del made_from["dataset"]
        made_from = {name: value for name, value in made_from.items() if (name, value) not in UNSAID.items()}
        key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:12]
        label = re.sub(r"[^a-z0-9_]+", "-", self.dataset.lower().removeprefix("folder:").removeprefix("csv:"))
        label = label.strip("-")[-40:]
        return (DATA / f"{label}-{key}").absolute()


def write_prepared(directory: Path, how: Preparation, source: Source) -> None:
    """Write the files of a prepared dataset, in place of damaged ones if there are any.

    Raises:
        InputError: the source is broken, changes meanwhile, has labels that are none, or is too small to be split.
        StorageError: they cannot be written.
    """
    with replacing(directory) as unfinished:
        _write(unfinished, how, source)
        crash_point("dataset_written")


def _write(directory: Path, how: Preparation, source: Source) -> None:
    """Write the arrays and, last, the manifest. Memory does not grow with the number of images."""
    kept, facts = _write_examples(directory, how, source)
    images: np.ndarray = np.load(directory / "images.npy", mmap_mode="r")
    labels = np.load(directory / "labels.npy")
    copies = exact_copies(images)
    together = copies if how.keep_together == "exact" else copies_of(images, how.keep_together)
    units = units_of(len(labels), groups_of(facts, kept), together)
    splits = split_examples(labels, kept, how.validation_fraction, units)
    if units:
        np.save(directory / UNITS, units.numbers)
        if units.grouped:
            require_trained_classes(labels, splits, source.classes)
    for split, indices in splits.items():
        np.save(directory / f"{split}.npy", indices)
    mean, deviation = pixel_statistics(images, splits["train"])
    files = {path.name: sha256(path) for path in sorted(directory.glob("*.npy"))}
    manifest = PreparedDataset(
        directory=directory,
        name=how.dataset,
        location=source.location,
        source=how.source,
        digest=hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest(),
        files=files,
        image_shape=images.shape[1:],
        classes=source.classes,
        examples={split: len(indices) for split, indices in splits.items()},
        pixel_mean=mean,
        pixel_deviation=deviation,
        given_splits=tuple(kept),
        grouped=bool(units and units.grouped),
        leaked=leaked(copies, splits),
        descriptions=write_descriptions(directory, facts, kept),
    )
    content = manifest.model_dump_json(exclude={"directory", "split_seed"}, indent=2) + "\n"
    (directory / MANIFEST).write_text(content, encoding="utf-8")
    (directory / MANIFEST_DIGEST).write_text(sha256(directory / MANIFEST), encoding="utf-8")


def _write_examples(directory: Path, how: Preparation, source: Source) -> tuple[dict[Split, int], SourceFacts]:
    """Write images and labels; return how many there are of each split, and what reading them found."""
    most = {split: min(count, how.limit_examples or count) for split, count in source.counts.items()}
    images = reserved(directory / "images.npy", (sum(most.values()), how.image_size, how.image_size, source.channels))
    labels, kept = _copy_examples(source, how.image_size, most, images)
    images.flush()
    if len(labels) < len(images):
        shortened(directory / "images.npy", len(labels))
    if source.identity() != how.source:
        raise InputError(
            f"dataset: {how.dataset!r} was changed while it was being prepared; run this again once it is not"
        )
    facts = source.facts()  # which refuses what could not be read
    require_labels(how.dataset, labels, kept, source.classes)
    np.save(directory / "labels.npy", labels)
    return cast("dict[Split, int]", kept), facts


def _copy_examples(
    source: Source, image_size: int, most: dict[str, int], images: np.ndarray
) -> tuple[np.ndarray, dict[str, int]]:
    """Copy the first examples of each split into ``images``, ``most`` of them at most, block by block.

    Returns:
        Their labels, int64; and how many there are of each split.
    """
    labels = np.empty(len(images), dtype=np.int64)
    kept = {}
    start = 0
    with images_progress(len(images)) as show:
        for split, count in most.items():
            first, end = start, start + count
            for block_images, block_labels in source.blocks[split](image_size):
                taken = min(len(block_images), end - start)
                images[start : start + taken] = block_images[:taken]
                labels[start : start + taken] = block_labels[:taken]
                start += taken
                show(start)
                if start == end:
                    break
            kept[split] = start - first
    return labels[:start], kept


def pixel_statistics(images: np.ndarray, indices: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel over ``indices``, summed exactly in integers."""
    counts = np.zeros((images.shape[-1], 256), dtype=np.int64)  # of each level of each channel
    at_once = max(1, STATISTICS_BYTES // math.prod(images.shape[1:]))
    for start in range(0, len(indices), at_once):
        block = images[indices[start : start + at_once]]
        for channel in range(images.shape[-1]):
            counts[channel] += np.bincount(block[..., channel].ravel(), minlength=256)
    levels = np.arange(256)
    total, squares = counts @ levels, counts @ levels**2
    count = len(indices) * images.shape[1] * images.shape[2]
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return tuple(mean.tolist()), tuple(deviation.tolist())

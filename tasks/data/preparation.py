"""How a dataset is prepared: where it lies then, and its arrays and manifest, written aside and renamed when whole."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap, write_array_header_1_0

from tasks.data.prepared import MANIFEST, MANIFEST_DIGEST, PreparedDataset
from tasks.data.splits import require_labels, split_examples
from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import replacing
from tasks.foundation.errors import InputError
from tasks.sources.checksums import DATA, sha256
from tasks.sources.images import Fit, Reading, Source
from tasks.terminal.progress import images_progress

# Raised whenever the files below change their meaning: sets prepared by an older version are then made anew.
FORMAT = 2
# How all sets were prepared when it could not be said yet: these are known by what they were known by then.
UNSAID = {"fit": "stretch", "classes": None, "skip_broken": False}
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
    """

    dataset: str
    source: str
    image_size: int
    validation_fraction: float
    limit_examples: int | None = None
    fit: Fit = "stretch"
    classes: tuple[str, ...] | None = None
    skip_broken: bool = False

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
    kept = {split: min(count, how.limit_examples or count) for split, count in source.counts.items()}
    image_shape = (how.image_size, how.image_size, source.channels)
    images = _reserve(directory / "images.npy", (sum(kept.values()), *image_shape))
    labels, kept = _copy_examples(source, how.image_size, kept, images)
    images.flush()
    if len(labels) < len(images):
        images = _shortened(directory / "images.npy", len(labels))
    if source.identity() != how.source:
        raise InputError(
            f"dataset: {how.dataset!r} was changed while it was being prepared; run this again once it is not"
        )
    source.facts()  # which refuses what could not be read
    require_labels(how.dataset, labels, kept, source.classes)

    splits = split_examples(labels, kept, how.validation_fraction)
    mean, deviation = pixel_statistics(images, splits["train"])
    np.save(directory / "labels.npy", labels)
    for split, indices in splits.items():
        np.save(directory / f"{split}.npy", indices)
    files = {path.name: sha256(path) for path in sorted(directory.glob("*.npy"))}
    manifest = PreparedDataset(
        directory=directory,
        name=how.dataset,
        location=source.location,
        source=how.source,
        digest=hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest(),
        files=files,
        image_shape=image_shape,
        classes=source.classes,
        examples={split: len(indices) for split, indices in splits.items()},
        pixel_mean=mean,
        pixel_deviation=deviation,
    )
    (directory / MANIFEST).write_text(
        manifest.model_dump_json(exclude={"directory", "split_seed"}, indent=2) + "\n", encoding="utf-8"
    )
    (directory / MANIFEST_DIGEST).write_text(sha256(directory / MANIFEST), encoding="utf-8")


def _reserve(path: Path, shape: tuple[int, ...]) -> np.memmap:
    """Return an array of uint8 in a file that has its whole room on the disk."""
    images: np.memmap = open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):  # else a disk that fills up under a memory map kills the process
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, file.seek(0, os.SEEK_END))
    return images


def _shortened(path: Path, count: int) -> np.memmap:
    """Return the array of a file that has room for more, cut to its first ``count`` images."""
    longer: np.memmap = np.load(path, mmap_mode="r+")
    shape = (count, *longer.shape[1:])
    with path.open("r+b") as file:
        # The header takes as many bytes as before: NumPy leaves room in it for any number of images.
        write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.truncate(file.tell() + math.prod(shape))
    shorter: np.memmap = np.load(path, mmap_mode="r+")
    return shorter


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

"""Prepare a dataset, once: memory-mapped arrays at the model's input size, split, with digests."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.lib.format import open_memmap
from prefect import task

from tasks.errors import InputError
from tasks.images import Source
from tasks.prepared import MANIFEST, PreparedDataset, Split, load_prepared, sha256
from tasks.sources import identify, open_source

DATA = Path("data")
# Raised whenever the files below change their meaning: sets prepared by an older version are then made anew.
FORMAT = 1
SPLIT_SEED = 20_201  # Never the run's seed: all runs on the same data validate and test on the same images.
TEST_FRACTION = 0.2  # Of a set that comes without a test split.


@task
def prepare_dataset(
    dataset: str,
    *,
    image_size: int,
    validation_fraction: float,
    limit_examples: int | None = None,
    data_dir: str | None = None,
    download: bool = True,
) -> PreparedDataset:
    """Return ``dataset`` prepared at ``image_size``; made once below ``data/``, by one process, then verified.

    Raises:
        InputError: the dataset does not exist, cannot be had or read, is too small to be split, or its prepared
            files were damaged since.
    """
    made_from = {
        "format": FORMAT,
        "source": identify(dataset),
        "image_size": image_size,
        "validation_fraction": validation_fraction,
        "limit_examples": limit_examples,
    }
    key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:12]
    label = re.sub(r"[^a-z0-9_]+", "-", dataset.lower().removeprefix("folder:")).strip("-")[-40:]
    directory = (DATA / f"{label}-{key}").absolute()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{directory}.lock"):
        if not directory.exists():
            # A holder of the lock that was killed leaves its unfinished directory behind.
            unfinished = directory.with_name(f"{directory.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            try:
                source = open_source(dataset, data_dir=data_dir, download=download)
                _write(
                    unfinished,
                    name=dataset,
                    source=source,
                    image_size=image_size,
                    validation_fraction=validation_fraction,
                    limit_examples=limit_examples,
                )
                unfinished.rename(directory)
            except BaseException:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise
        return load_prepared(directory)


def stratified_choice(labels: np.ndarray, fraction: float, *, seed: int) -> np.ndarray:
    """Return positions that hold about ``fraction`` of each class: at least one and never all where it has two.

    Returns:
        int64, sorted.
    """
    generator = np.random.default_rng(seed)
    chosen = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        wanted = min(max(1, round(fraction * len(members))), len(members) - 1)
        chosen.append(generator.permutation(members)[:wanted])
    return np.sort(np.concatenate(chosen))


def _write(
    directory: Path,
    *,
    name: str,
    source: Source,
    image_size: int,
    validation_fraction: float,
    limit_examples: int | None,
) -> None:
    """Write the arrays and, last, the manifest. Memory does not grow with the number of images."""
    kept = {split: min(count, limit_examples or count) for split, count in source.counts.items()}
    image_shape = (image_size, image_size, source.channels)
    images = open_memmap(directory / "images.npy", mode="w+", dtype=np.uint8, shape=(sum(kept.values()), *image_shape))
    labels = np.empty(len(images), dtype=np.int64)
    start = 0
    for split, count in kept.items():
        end = start + count
        for block_images, block_labels in source.blocks[split](image_size):
            taken = min(len(block_images), end - start)
            images[start : start + taken] = block_images[:taken]
            labels[start : start + taken] = block_labels[:taken]
            start += taken
            if start == end:
                break
    images.flush()

    splits = _splits(labels, kept, validation_fraction)
    mean, deviation = _pixel_statistics(images, splits["train"])
    np.save(directory / "labels.npy", labels)
    for split, indices in splits.items():
        np.save(directory / f"{split}.npy", indices)
    files = {path.name: sha256(path) for path in sorted(directory.glob("*.npy"))}
    manifest = PreparedDataset(
        directory=directory,
        name=name,
        location=source.location,
        digest=hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest(),
        files=files,
        image_shape=image_shape,
        classes=source.classes,
        examples={split: len(indices) for split, indices in splits.items()},
        pixel_mean=mean,
        pixel_deviation=deviation,
    )
    (directory / MANIFEST).write_text(manifest.model_dump_json(exclude={"directory"}, indent=2) + "\n")


def _splits(labels: np.ndarray, kept: dict[str, int], validation_fraction: float) -> dict[Split, np.ndarray]:
    """Return the indices of each split. Raises InputError if nothing would be left to train or test on."""
    train = np.arange(kept["train"])
    test = np.arange(kept["train"], len(labels))
    if "test" not in kept:
        test = stratified_choice(labels[train], TEST_FRACTION, seed=SPLIT_SEED)
        train = np.setdiff1d(train, test)
    validation = np.array([], dtype=np.int64)
    if validation_fraction:
        validation = train[stratified_choice(labels[train], validation_fraction, seed=SPLIT_SEED + 1)]
        train = np.setdiff1d(train, validation)
    if not len(train) or not len(test) or (validation_fraction and not len(validation)):
        raise InputError(
            f"dataset: {len(labels)} examples of {len(np.unique(labels))} classes are too few to split into training, "
            f"validation (validation_fraction {validation_fraction:g}) and test; give at least 3 of each class"
        )
    return {"train": train, "validation": validation, "test": test}


def _pixel_statistics(images: np.ndarray, indices: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel over ``indices``, summed exactly in integers."""
    total = np.zeros(images.shape[-1], dtype=np.int64)
    squares = np.zeros_like(total)
    for start in range(0, len(indices), 1024):
        block = images[indices[start : start + 1024]].astype(np.int64)
        total += block.sum(axis=(0, 1, 2))
        squares += (block * block).sum(axis=(0, 1, 2))
    count = len(indices) * images.shape[1] * images.shape[2]
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return tuple(mean.tolist()), tuple(deviation.tolist())

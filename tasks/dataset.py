"""Prepare a dataset, once: memory-mapped arrays at the model's input size, split, with digests."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.lib.format import open_memmap
from prefect import Task, task
from prefect.client.schemas.objects import State, TaskRun

from tasks.data.images import Source
from tasks.data.prepared import (
    MANIFEST,
    MANIFEST_DIGEST,
    DamagedError,
    PreparedDataset,
    Split,
    load_prepared,
    sha256,
)
from tasks.data.sources import identify, open_source
from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import storing
from tasks.foundation.errors import DownloadError, InputError
from tasks.foundation.log import task_log

DATA = Path("data")
# Raised whenever the files below change their meaning: sets prepared by an older version are then made anew.
FORMAT = 2
SPLIT_SEED = 20_201  # Never the run's seed: all runs on the same data validate and test on the same images.
TEST_FRACTION = 0.2  # Of a set that comes without a test split.


def _may_pass(_task: Task[Any, Any], _task_run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.data, DownloadError)


@task(retries=3, retry_delay_seconds=[5, 20, 60], retry_condition_fn=_may_pass)
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
            files are damaged even after they were prepared again.
        DownloadError: a download broke off; Prefect tries it again, with growing delays.
        StorageError: the prepared files cannot be written.
    """
    directory = directory_of(
        dataset,
        image_size=image_size,
        validation_fraction=validation_fraction,
        limit_examples=limit_examples,
    )
    with storing(directory):
        directory.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{directory}.lock"):

        def prepare() -> None:
            _make(
                directory,
                name=dataset,
                source=open_source(dataset, data_dir=data_dir, download=download),
                image_size=image_size,
                validation_fraction=validation_fraction,
                limit_examples=limit_examples,
            )

        if not directory.exists():
            prepare()
        try:
            return load_prepared(directory)
        except DamagedError as damage:
            task_log().warning("The prepared file %s is damaged; the dataset is prepared again.", damage.path)
        prepare()
        try:
            return load_prepared(directory)
        except DamagedError as damage:
            raise InputError(
                f"dataset: the prepared file {str(damage.path)!r} is damaged, and was so again after the dataset had "
                f"been prepared anew; check the disk, or work in a directory on another one"
            ) from damage


def directory_of(
    dataset: str, *, image_size: int, validation_fraction: float, limit_examples: int | None = None
) -> Path:
    """Return where ``dataset`` lies once it is prepared so. Raises InputError if it is a folder that is not there."""
    made_from = {
        "format": FORMAT,
        "source": identify(dataset),
        "image_size": image_size,
        "validation_fraction": validation_fraction,
        "limit_examples": limit_examples,
    }
    key = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()[:12]
    label = re.sub(r"[^a-z0-9_]+", "-", dataset.lower().removeprefix("folder:")).strip("-")[-40:]
    return (DATA / f"{label}-{key}").absolute()


def _make(directory: Path, **how: Any) -> None:
    """Write the files aside, then rename them into place, in place of damaged ones if there are any."""
    unfinished, damaged = (directory.with_name(f"{directory.name}.{state}") for state in ("unfinished", "damaged"))
    for left_over in (unfinished, damaged):  # by a holder of the lock that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    with storing(directory):
        unfinished.mkdir()
        try:
            _write(unfinished, **how)
            crash_point("dataset_written")
            if directory.exists():
                directory.rename(damaged)
            unfinished.rename(directory)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.rmtree(damaged, ignore_errors=True)


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
    if hasattr(os, "posix_fallocate"):  # else a disk that fills up under a memory map kills the process
        with (directory / "images.npy").open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, file.seek(0, os.SEEK_END))
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
    (directory / MANIFEST_DIGEST).write_text(sha256(directory / MANIFEST))


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

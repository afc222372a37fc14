"""Another validation split of a prepared dataset: index arrays and pixel statistics; no image is prepared again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from tasks.data.load_or_write import load_or_write, lock_of
from tasks.data.preparation import pixel_statistics
from tasks.data.prepared import DamagedError, PreparedDataset, Split
from tasks.data.splits import redrawn_splits
from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import replacing
from tasks.foundation.errors import InputError
from tasks.sources.checksums import sha256

FACTS = "split.json"


class SplitFacts(BaseModel):
    """What is kept beside the index files of a split.

    Attributes:
        digest: Of the dataset that it splits.
        files: SHA-256 of each index file, by its name.
        pixel_mean: Of each channel over its training split, in pixel values; ``pixel_deviation`` likewise.
        examples: Examples in each split that was drawn; none: as many as in the split that was prepared.
        checksum: SHA-256 over all of these.
    """

    model_config = ConfigDict(frozen=True)

    digest: str
    files: dict[str, str]
    pixel_mean: tuple[float, ...]
    pixel_deviation: tuple[float, ...]
    examples: dict[Split, int] | None = None
    checksum: str = ""

    def own_checksum(self) -> str:
        """Return what ``checksum`` has to be."""
        content = self.model_dump_json(exclude={"checksum"}, exclude_none=True)
        return hashlib.sha256(content.encode()).hexdigest()


def resplit(prepared: PreparedDataset, split_seed: int) -> PreparedDataset:
    """Return a dataset as it was prepared with its validation images drawn anew, the same for each ``split_seed``.

    They are drawn from training and validation images, as many of each class as before, or about as many where examples
    stay together; test images never move. The index files are written once, by one process, below the dataset's
    directory, whose own files stay as they are.

    Args:
        prepared: With the split that it was prepared with, some of it held back for validation.
        split_seed: From 0, which changes nothing, to 2**32 - 1.

    Raises:
        InputError: the data came with validation images of its own, or the index files are damaged even after they were
            written again.
        StorageError: they cannot be written.
    """
    if not split_seed:
        return prepared
    if not prepared.redraws:
        raise InputError(
            f"split_seed: received {split_seed}, but {prepared.name!r} has a validation split of its own, which is "
            "used as it is; leave split_seed out"
        )
    directory = prepared.split_directory(split_seed)
    facts = load_or_write(
        directory,
        lambda: _load(directory, prepared),
        lambda: _write(directory, prepared, split_seed),
        lock=lock_of(prepared.directory),
        anew="the split is drawn again",
    )
    drawn = {"split_seed": split_seed, **facts.model_dump(include={"pixel_mean", "pixel_deviation"})}
    return prepared.model_copy(update={**drawn, "examples": {**prepared.examples, **(facts.examples or {})}})


def _write(directory: Path, prepared: PreparedDataset, split_seed: int) -> None:
    images, labels = (np.load(prepared.directory / f"{name}.npy", mmap_mode="r") for name in ("images", "labels"))
    units = prepared.units()
    splits = redrawn_splits(labels, prepared.indices("train"), prepared.indices("validation"), split_seed, units)
    mean, deviation = pixel_statistics(images, splits["train"])
    with replacing(directory) as unfinished:
        for split, indices in splits.items():
            np.save(unfinished / f"{split}.npy", indices)
        files = {path.name: sha256(path) for path in sorted(unfinished.glob("*.npy"))}
        examples = {split: len(indices) for split, indices in splits.items()} if units else None
        facts = SplitFacts(
            digest=prepared.digest, files=files, pixel_mean=mean, pixel_deviation=deviation, examples=examples
        )
        facts = facts.model_copy(update={"checksum": facts.own_checksum()})
        (unfinished / FACTS).write_text(facts.model_dump_json(indent=2, exclude_none=True) + "\n", encoding="utf-8")
        crash_point("split_written")


def _load(directory: Path, prepared: PreparedDataset) -> SplitFacts:
    """Return what is kept of a split of this very dataset, every file of it verified. Raises DamagedError."""
    try:
        facts = SplitFacts.model_validate(json.loads((directory / FACTS).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DamagedError(directory / FACTS) from error
    if facts.digest != prepared.digest or facts.checksum != facts.own_checksum():
        raise DamagedError(directory / FACTS)
    for name, digest in facts.files.items():
        path = directory / name
        if not path.is_file() or sha256(path) != digest:
            raise DamagedError(path)
    return facts

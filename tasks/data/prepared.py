"""A prepared dataset: what lies on disk, whether it is whole, and how its splits are read for training."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from tasks.data.descriptions import read_names
from tasks.data.epoch_order import cut, epoch_passes
from tasks.data.read_ahead import read_ahead
from tasks.data.units import Units
from tasks.sources.checksums import sha256

Split = Literal["train", "validation", "test"]
Block = tuple[np.ndarray, np.ndarray]  # images and their labels
TrainingBlock = tuple[np.ndarray, ...]  # the same and, where they are asked for, appearances
Read = tuple[np.ndarray, np.ndarray, np.ndarray]  # images, their labels and their places
MANIFEST = "manifest.json"
MANIFEST_DIGEST = "manifest.sha256"  # of the manifest itself, which holds those of the other files
UNITS = "units.npy"  # only where examples stay together

# Of images in one call: enough to keep Python's share of the time small, never a burden on memory.
TRAINING_BYTES = 32 * 2**20
EVALUATION_BYTES = 2 * 2**20
# Steps in one call: a tenth of a second of LeNet on a CPU, so that progress and an interruption are soon seen.
BLOCK_STEPS = 32


class PreparedDataset(BaseModel):
    """A dataset on disk: ``images.npy``, ``labels.npy`` and, for each split, the indices of its examples.

    ``digest`` and ``split_seed`` together say every pixel, label and split. A run and a comparison belong to a digest,
    whatever part of the data is drawn for validation.

    Attributes:
        directory: Where it lies.
        name: As the user named it.
        location: Where the images come from.
        source: What identified the source when it was prepared; empty if an older version prepared it.
        digest: SHA-256 over all files, so over every pixel, label and the splits of ``split_seed`` 0.
        files: SHA-256 of each of these files, by its name.
        image_shape: (height, width, channels) of the uint8 images.
        classes: The name of each label, by label.
        examples: Examples in each split; no example is in two of them.
        pixel_mean: Mean of each channel over the training split, in pixel values (0 to 255).
        pixel_deviation: Standard deviation of each channel over the training split, in pixel values.
        split_seed: 0: training and validation split as they were prepared; else as `resplit` draws them.
        given_splits: Those that the data came with; the others were drawn. Empty if an older version prepared it.
        grouped: Whether the units of ``units.npy``, if there are any, are groups that a person named.
        leaked: How many validation examples equal one that is trained on, and how many test examples one that is
            trained or validated on, with ``split_seed`` 0; empty if it is not known.
        descriptions: SHA-256 of each file beside the arrays that tells people of them, by its name.
    """

    model_config = ConfigDict(frozen=True)

    directory: Path
    name: str
    location: str
    source: str = ""
    digest: str
    files: dict[str, str]
    image_shape: tuple[int, int, int]
    classes: tuple[str, ...]
    examples: dict[Split, int]
    pixel_mean: tuple[float, ...]
    pixel_deviation: tuple[float, ...]
    split_seed: int = 0
    given_splits: tuple[Split, ...] = ()
    grouped: bool = False
    leaked: dict[Split, int] = {}
    descriptions: dict[str, str] = {}

    @property
    def redraws(self) -> bool:
        """Whether ``split_seed`` draws other validation images: not where the data came with its own."""
        return "validation" not in self.given_splits

    @property
    def identity(self) -> str:
        """What tells this data, split in this way, from all other."""
        return f"{self.digest} with split_seed {self.split_seed}" if self.split_seed else self.digest

    def split_directory(self, split_seed: int) -> Path:
        """Return where the index files of another training and validation split lie."""
        return self.directory / "splits" / str(split_seed)

    def indices(self, split: Split) -> np.ndarray:
        """Return the positions of a split's examples in ``images.npy``: ascending, int64, of shape (examples,)."""
        redrawn = self.split_seed and split != "test"
        directory = self.split_directory(self.split_seed) if redrawn else self.directory
        positions: np.ndarray = np.load(directory / f"{split}.npy")
        return positions

    def names(self, split: Split) -> tuple[str, ...] | None:
        """Return what a person knows the examples of a split by, in its order; none: their positions."""
        names = read_names(self.directory)
        return tuple(names[position] for position in self.indices(split)) if names else None

    def units(self) -> Units | None:
        """Return which examples stay together in what is drawn; none where each stands for itself."""
        return Units(np.load(self.directory / UNITS), self.grouped) if UNITS in self.files else None

    def steps_per_epoch(self, batch_size: int, repeat: int) -> int:
        """Return the steps of one epoch; the last takes what is left."""
        return math.ceil(self.examples["train"] * repeat / batch_size)

    def made_at(self) -> datetime:
        """Return when it was prepared, in local time."""
        return datetime.fromtimestamp((self.directory / MANIFEST).stat().st_mtime).astimezone()

    def images_within(self, num_bytes: int) -> int:
        """Return how many images fit into ``num_bytes``, at least one."""
        return max(1, num_bytes // math.prod(self.image_shape))


class DamagedError(RuntimeError):
    """The prepared file ``path`` is missing, or is not what was written."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{str(path)!r} is damaged")
        self.path = path


def load_prepared(directory: Path) -> PreparedDataset:
    """Return the dataset in ``directory``, every file of it verified. Raises DamagedError."""
    try:
        if sha256(directory / MANIFEST) != (directory / MANIFEST_DIGEST).read_text(encoding="utf-8"):
            raise DamagedError(directory / MANIFEST)
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        prepared = PreparedDataset.model_validate({**manifest, "directory": directory})
    except (OSError, ValueError) as error:
        raise DamagedError(directory / MANIFEST) from error
    for name, digest in {**prepared.files, **prepared.descriptions}.items():
        path = directory / name
        if not path.is_file() or sha256(path) != digest:
            raise DamagedError(path)
    return prepared


def open_training_epoch(
    prepared: PreparedDataset,
    seed: int,
    epoch: int,
    *,
    batch_size: int,
    shuffle: bool,
    repeat: int,
    steps_done: int = 0,
    appearances: bool = False,
) -> Iterator[TrainingBlock]:
    """Yield one epoch of the training split, from the step after ``steps_done``, as blocks of whole batches.

    The last block takes what is left. With ``appearances`` a block has a third part, int64 of shape (examples, 2): the
    place of each example in ``images.npy``, and how often training has shown it before.
    """
    passes = epoch_passes(prepared.examples["train"], seed=seed, epoch=epoch, shuffle=shuffle, repeat=repeat)
    batches = max(1, min(BLOCK_STEPS, prepared.images_within(TRAINING_BYTES) // batch_size))
    done, shown = steps_done * batch_size, (epoch - 1) * repeat
    for images, labels, places in _read(prepared, "train", cut(passes, block=batches * batch_size, skip=done)):
        before = shown + (done + np.arange(len(labels))) // prepared.examples["train"]
        done += len(labels)
        yield (images, labels, np.stack([places, before], axis=1)) if appearances else (images, labels)


def open_split(prepared: PreparedDataset, split: Split, *, block: int | None = None) -> Iterator[Block]:
    """Yield a split as it lies, in blocks of ``block`` examples or less; none: as many as an evaluation takes."""
    size = block or prepared.images_within(EVALUATION_BYTES)
    for images, labels, _ in _read(prepared, split, cut([np.arange(prepared.examples[split])], block=size, skip=0)):
        yield images, labels


def _read(prepared: PreparedDataset, split: Split, blocks: Iterable[np.ndarray]) -> Iterator[Read]:
    """Yield the examples of a split at the positions of ``blocks``, int64, each read while the one before is used.

    Yields:
        (images, uint8 of shape (examples, height, width, channels); labels, int32 of shape (examples,); their places
        in ``images.npy``, int64 of shape (examples,)).
    """
    images = np.load(prepared.directory / "images.npy", mmap_mode="r")
    labels = np.load(prepared.directory / "labels.npy")
    indices = prepared.indices(split)

    def read(positions: np.ndarray) -> Read:
        chosen = indices[positions]
        return images[chosen], labels[chosen].astype(np.int32), chosen

    return read_ahead(read, blocks)

"""How the splits of a prepared dataset are read, in blocks, each while the one before is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from served_model.description import EVALUATION_BYTES
from tasks.data.epoch_order import cut, epoch_passes
from tasks.data.prepared import PreparedDataset, Split
from tasks.data.read_ahead import read_ahead

Block = tuple[np.ndarray, np.ndarray]  # images and their labels
TrainingBlock = tuple[np.ndarray, ...]  # the same and, where they are asked for, appearances

# Of images in one call: enough to keep Python's share of the time small, never a burden on memory.
TRAINING_BYTES = 32 * 2**20
# Steps in one call: a tenth of a second of LeNet on a CPU, so that progress and an interruption are soon seen.
BLOCK_STEPS = 32


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


def _read(
    prepared: PreparedDataset, split: Split, blocks: Iterable[np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield the examples of a split, each block read while the one before is used.

    Args:
        prepared: The dataset.
        split: Which of its splits.
        blocks: Positions within the split, int64, in the order wanted.

    Yields:
        (images, uint8 of shape (examples, height, width, channels); labels, int32 of shape (examples,); their places
        in ``images.npy``, int64 of shape (examples,)).
    """
    images = np.load(prepared.directory / "images.npy", mmap_mode="r")
    labels = np.load(prepared.directory / "labels.npy")
    indices = prepared.indices(split)

    def read(positions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chosen = indices[positions]
        return images[chosen], labels[chosen].astype(np.int32), chosen

    return read_ahead(read, blocks)

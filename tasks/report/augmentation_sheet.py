"""A picture of some training images, as they are and as training sees them in its first epochs. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from models.augmentation import Augmentation, Batch
from tasks.data.epoch_order import epoch_passes
from tasks.data.prepared import PreparedDataset
from tasks.report.drawing import png

AUGMENTATION_FILE = "augmentation.png"
EXAMPLES, EPOCHS = 8, 5  # rows and, beside the image itself, columns
WIDTH = 6.4  # inches
GAP = 16  # the part of an image's width that is left between two


def augmentation_file(
    prepared: PreparedDataset, augment: Sequence[str], *, seed: int, batch_size: int, shuffle: bool, repeat: int = 1
) -> dict[str, bytes]:
    """Return the picture of a training with these parameters as PNG, by its file's name."""
    images = augmented_images(prepared, augment, seed=seed, batch_size=batch_size, shuffle=shuffle, repeat=repeat)
    return {AUGMENTATION_FILE: png(augmentation_sheet, images, augment)}


def augmented_images(
    prepared: PreparedDataset, augment: Sequence[str], *, seed: int, batch_size: int, shuffle: bool, repeat: int = 1
) -> np.ndarray:
    """Return some training images as they are, and as the network sees them in each of the first epochs.

    They are the first ones of the training split, of as many classes as there is room for. What mixup mixes an image
    with is what training mixes it with, so the whole batch is made.

    Returns:
        float32 from 0 to 255, of shape (examples, 1 + epochs, height, width, channels).
    """
    images = np.load(prepared.directory / "images.npy", mmap_mode="r")
    labels, indices = np.load(prepared.directory / "labels.npy"), prepared.indices("train")
    augmentation = Augmentation(augment, seed, prepared.image_shape)
    chosen = _of_many_classes(labels[indices])
    shown = np.empty((len(chosen), 1 + EPOCHS, *prepared.image_shape), np.float32)
    shown[:, 0] = images[indices[chosen]]
    for epoch in range(1, EPOCHS + 1):
        # The last batch of a pass goes on with the next, if there is one.
        passes = epoch_passes(len(indices), seed=seed, epoch=epoch, shuffle=shuffle, repeat=repeat)
        order = np.concatenate([*islice(passes, 2 + batch_size // len(indices))])
        places = np.argsort(order[: len(indices)])[chosen]
        for batch in _batches(places, batch_size, len(order)) if "mixup" in augment else [np.sort(places)]:
            before = (epoch - 1) * repeat + batch // len(indices)
            numbers = augmentation.numbers(np.stack([indices[order[batch]], before], axis=1))
            plain = Batch(*(tf.constant(each[indices[order[batch]]]) for each in (images, labels)))
            seen = augmentation.batch(plain, numbers).images.numpy()
            rows = np.flatnonzero(np.isin(places, batch))
            shown[rows, epoch] = seen[np.searchsorted(batch, places[rows])]
    return shown


def _batches(places: np.ndarray, batch_size: int, count: int) -> list[np.ndarray]:
    """Return the batches of an epoch of ``count`` examples in which these places are, as the places in each."""
    starts = np.unique(places - places % batch_size)
    return [np.arange(start, min(start + batch_size, count)) for start in starts]


def _of_many_classes(labels: np.ndarray) -> np.ndarray:
    """Return the places of the first examples, in turns one of each class, as many as are shown."""
    turns = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        turns[labels == label] = np.arange(np.count_nonzero(labels == label))
    return np.lexsort((labels, turns))[:EXAMPLES]


def augmentation_sheet(images: np.ndarray, augment: Sequence[str]) -> Figure:
    """Draw examples (rows) as they are, and as they are seen in one epoch after another (columns).

    Args:
        images: From 0 to 255, of shape (examples, 1 + epochs, height, width, channels); grey or in colour.
        augment: The names of what is done to them.
    """
    rows, columns, height, width, _ = images.shape
    gap = max(1, width // GAP)
    mosaic = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for row, column in np.ndindex(rows, columns):
        top, left = row * (height + gap), column * (width + gap)
        mosaic[top : top + height, left : left + width] = np.round(images[row, column])  # grey: the same three times
    figure = Figure(figsize=(WIDTH, WIDTH * mosaic.shape[0] / mosaic.shape[1] + 0.6), layout="constrained")
    axes = figure.subplots()
    axes.imshow(mosaic, interpolation="nearest")
    axes.set_title(f"Training images with {', '.join(augment)}", fontsize=10)
    middles = [column * (width + gap) + (width - 1) / 2 for column in range(columns)]
    axes.set_xticks(middles, ["as it is", *(f"epoch {column}" for column in range(1, columns))], fontsize=8)
    axes.tick_params(top=False, bottom=False, labeltop=True, labelbottom=False, left=False, labelleft=False)
    axes.spines[:].set_visible(False)
    return figure

"""A picture of some training images, as they are and as training sees them in its first epochs. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from models.augmentation import Augmentation, Batch
from tasks.data.epoch_order import epoch_passes
from tasks.data.prepared import PreparedDataset
from tasks.report.drawing import png

AUGMENTATION_FILE = "augmentation.png"
EXAMPLES, EPOCHS = 8, 5  # rows and, beside the image itself, columns
WIDTH = 6.0  # inches


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
    size = batch_size if "mixup" in augment else 1  # to nothing else it matters who else is in a batch
    for epoch in range(1, EPOCHS + 1):
        # The last batch of a pass goes on with the next, if there is one.
        passes = epoch_passes(len(indices), seed=seed, epoch=epoch, shuffle=shuffle, repeat=repeat)
        order = np.concatenate([*islice(passes, 2 + size // len(indices))])
        places = np.argsort(order[: len(indices)])[chosen]
        for start in np.unique(places - places % size):
            within = np.arange(start, min(start + size, len(order)))
            batch, before = indices[order[within]], (epoch - 1) * repeat + within // len(indices)
            numbers = augmentation.numbers(np.stack([batch, before], axis=1))
            plain = Batch(tf.constant(images[batch]), tf.constant(labels[batch]))
            seen = augmentation.batch(plain, numbers).images.numpy()
            rows = np.flatnonzero(places - places % size == start)
            shown[rows, epoch] = seen[places[rows] - start]
    return shown


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
    side = WIDTH / columns
    figure = Figure(figsize=(WIDTH, rows * side * height / width + 0.6), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)  # type: ignore[union-attr, call-arg]
    figure.suptitle(f"Training images with {', '.join(augment)}", fontsize=10)
    grid: Any = figure.subplots(rows, columns, squeeze=False)
    for row, column in np.ndindex(rows, columns):
        axes = grid[row, column]
        image = np.round(images[row, column]).astype(np.uint8)
        axes.imshow(image.squeeze(-1) if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=255)
        axes.set_axis_off()
        if row == 0:
            axes.set_title("as it is" if column == 0 else f"epoch {column}", fontsize=8)
    return figure

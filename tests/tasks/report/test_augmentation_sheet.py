"""The picture of augmented images: what is in it, and that it is what training sees."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from matplotlib.figure import Figure
from PIL import Image

from models.augmentation import Augmentation, Batch
from tasks.data.blocks import open_training_epoch
from tasks.data.prepared import PreparedDataset
from tasks.report.augmentation_sheet import EPOCHS, EXAMPLES, augmentation_file, augmentation_sheet, augmented_images

ALL = ("flip", "crop", "rotate", "color", "erase", "mixup")


def seen_in_training(prepared: PreparedDataset, epoch: int, batch_size: int, how: dict[str, Any]) -> np.ndarray:
    """Return all images of an epoch as its steps take them, from 0 to 255."""
    augmentation, batches = Augmentation(ALL, 3, prepared.image_shape), []
    blocks = open_training_epoch(prepared, 3, epoch, batch_size=batch_size, **how, appearances=True)
    for images, labels, appearances in blocks:
        for start in range(0, len(labels), batch_size):
            mine = slice(start, start + batch_size)
            numbers = augmentation.numbers(appearances[mine])
            plain = Batch(tf.constant(images[mine]), tf.constant(labels[mine]))
            batches.append(augmentation.batch(plain, numbers).images)
    return np.concatenate(batches)


@pytest.mark.parametrize(
    ("batch_size", "how"),
    [
        (32, {"shuffle": True, "repeat": 1}),
        (60, {"shuffle": True, "repeat": 2}),
        (27, {"shuffle": False, "repeat": 1}),
        (500, {"shuffle": True, "repeat": 3}),
    ],
)
def test_it_shows_what_training_sees(prepared: PreparedDataset, batch_size: int, how: dict[str, Any]) -> None:
    shown = augmented_images(prepared, ALL, seed=3, batch_size=batch_size, **how)
    assert shown.shape == (EXAMPLES, 1 + EPOCHS, *prepared.image_shape)
    images = np.load(prepared.directory / "images.npy")[prepared.indices("train")]
    assert all((image == images).all(axis=(1, 2, 3)).any() for image in shown[:, 0])
    for epoch in (1, 2, EPOCHS):
        seen = seen_in_training(prepared, epoch, batch_size, how)
        for image in shown[:, epoch]:
            assert np.abs(seen - image).max(axis=(1, 2, 3)).min() == 0


def test_alone_it_shows_the_same_as_in_a_batch(prepared: PreparedDataset) -> None:
    how: dict[str, Any] = {"seed": 3, "shuffle": True}
    one, other = (augmented_images(prepared, ALL[:-1], batch_size=size, **how) for size in (32, 7))
    np.testing.assert_array_equal(one, other)


def test_the_examples_are_of_many_classes(prepared: PreparedDataset) -> None:
    shown = augmented_images(prepared, ("flip",), seed=0, batch_size=32, shuffle=True)[:, 0]
    images, labels = (np.load(prepared.directory / f"{name}.npy") for name in ("images", "labels"))
    found = {int(labels[(images == image).all(axis=(1, 2, 3))][0]) for image in shown}
    assert len(found) == EXAMPLES


@pytest.mark.parametrize("channels", [1, 3])
def test_examples_are_rows_and_epochs_columns(channels: int) -> None:
    images = np.random.default_rng(0).uniform(0, 255, (2, 4, 17, 16, channels)).astype(np.float32)
    figure = augmentation_sheet(images, ("flip", "crop"))
    assert isinstance(figure, Figure)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["as it is", "epoch 1", "epoch 2", "epoch 3"]
    mosaic = np.asarray(axes.images[0].get_array())
    assert mosaic.shape == (17 + 1 + 17, 4 * (16 + 1) - 1, 3)
    for row, column in np.ndindex(2, 4):
        part = mosaic[row * 18 :][:17, column * 17 :][:, :16]
        np.testing.assert_array_equal(part, np.broadcast_to(np.round(images[row, column]), (17, 16, 3)))
        assert abs(axes.get_xticks()[column] - (column * 17 + 7.5)) < 1e-9
    assert (mosaic[17] == 255).all()


def test_the_file_is_a_picture(prepared: PreparedDataset) -> None:
    ((name, content),) = augmentation_file(prepared, ("flip",), seed=0, batch_size=32, shuffle=True).items()
    assert name == "augmentation.png"
    assert Image.open(io.BytesIO(content)).format == "PNG"

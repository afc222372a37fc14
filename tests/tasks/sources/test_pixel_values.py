"""Pixels of every type that tensorflow-datasets has, as those from 0 to 255."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tasks.foundation.errors import InputError
from tasks.sources.pixel_values import at_size, prepared_channels, require_range

GREY = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)


def pixels(image: np.ndarray) -> np.ndarray:
    return at_size(tf.constant(image), 16)[0].numpy()


@pytest.mark.parametrize(
    "image",
    [GREY, GREY.astype(np.uint16) * 257, GREY.astype(np.float32) / 255],
    ids=lambda image: str(image.dtype),
)
def test_every_grey_level_is_kept_whatever_the_type(image: np.ndarray) -> None:
    found, ends = at_size(tf.constant(image), 16)
    assert found.dtype == tf.uint8
    np.testing.assert_array_equal(found, GREY)
    np.testing.assert_array_equal(ends, [0, 1])


def test_what_shines_through_is_laid_on_white() -> None:
    image = np.zeros((16, 16, 4), np.uint8)
    image[..., :3] = (200, 100, 0)
    image[:8, :, 3], image[8:, :, 3] = 255, 51  # a fifth
    found = pixels(image)
    assert found.shape == (16, 16, 3)
    assert found[0, 0].tolist() == [200, 100, 0]
    assert found[-1, 0].tolist() == [244, 224, 204]


def test_sixteen_bits_shine_through_too() -> None:
    image = np.full((16, 16, 4), 65535, np.uint16)
    image[..., 0], image[..., 3] = 0, 0
    assert (pixels(image) == 255).all()


@pytest.mark.parametrize("wrong", [-0.5, 1.5, 255.0, float("nan"), float("inf"), float("-inf")])
def test_floats_that_cannot_be_meant_are_told_with_their_range(wrong: float) -> None:
    image = np.full((16, 16, 1), 0.5, np.float32)
    image[3, 4] = wrong
    lowest, highest = at_size(tf.constant(image), 16)[1].numpy().tolist()
    with pytest.raises(InputError, match=r"images of the train split of 'tiny' have values from .* to .*0 \(black\)"):
        require_range("tiny", "train", lowest, highest)


def test_floats_from_black_to_white_may_be() -> None:
    require_range("tiny", "train", 0.0, 1.0)


@pytest.mark.parametrize(("channels", "prepared"), [(1, 1), (3, 3), (4, 3)])
def test_grey_stays_grey_and_all_else_is_colour(channels: int, prepared: int) -> None:
    assert prepared_channels("tiny", tf.uint8, channels) == prepared


@pytest.mark.parametrize(
    ("dtype", "channels", "told"),
    [
        (tf.float64, 1, "are of type float64; choose a set whose images are of type uint8, uint16, float32"),
        (tf.uint8, 2, "have 2 channels; choose"),
        (tf.uint8, None, "have an unknown number of channels"),
        (tf.uint8, 0, "have an unknown number of channels"),
    ],
)
def test_what_cannot_be_meant_is_refused(dtype: Any, channels: int | None, told: str) -> None:
    with pytest.raises(InputError, match=told):
        prepared_channels("tiny", dtype, channels)

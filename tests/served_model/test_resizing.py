"""The resizing of digits and of sets of tensorflow-datasets."""

from __future__ import annotations

import math

import numpy as np
import pytest

from served_model.resizing import resize
from tests.support.bilinear import bilinear


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 1), (40, 90, 3), (32, 32, 3), (33, 31, 1)])
def test_resizing_is_bilinear_and_antialiased(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(math.prod(shape)).integers(0, 256, shape).astype(np.uint8)
    resized = resize(image, 32).numpy()
    assert resized.dtype == np.uint8
    assert np.abs(resized - bilinear(image, 32)).max() < 0.51


def test_an_image_of_the_right_size_is_left_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 1)).astype(np.uint8)
    np.testing.assert_array_equal(resize(image, 32), image)


@pytest.mark.parametrize("shape", [(3, 28, 28, 1), (4, 40, 33, 3), (1, 64, 64, 3)])
def test_a_block_is_resized_image_by_image(shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(resize(images, 32), np.stack([resize(image, 32) for image in images]))

"""Color and erase, against the same worked out image by image."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from models.hashed_draws import uniform
from models.image_changes import boxes, color_factors, erased, noise_keys, recolored


def images_of(shape: tuple[int, int, int], count: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, (count, *shape)).astype(np.uint8)


def test_colors_change_by_at_most_two_fifths() -> None:
    factors = color_factors([1, tf.range(5000)]).numpy()
    np.testing.assert_allclose(factors.min(axis=0), 0.6, atol=0.01)
    np.testing.assert_allclose(factors.max(axis=0), 1.4, atol=0.01)
    np.testing.assert_allclose(factors.mean(axis=0), 1.0, atol=0.02)


@pytest.mark.parametrize("channels", [1, 3])
def test_brightness_contrast_and_saturation_are_those_of_torchvision(channels: int) -> None:
    images = images_of((16, 17, channels), 3)
    factors = np.array([[1.0, 1.0, 1.0], [1.4, 0.7, 0.6], [0.6, 1.4, 1.4]], np.float32)
    result = recolored(tf.constant(images, tf.float32), tf.constant(factors)).numpy()
    np.testing.assert_allclose(result[0], images[0], atol=1e-3)
    weights = [0.299, 0.587, 0.114] if channels == 3 else [1.0]
    for number, (brightness, contrast, saturation) in enumerate(factors.astype(np.float64)):
        image = np.clip(images[number] * brightness, 0, 255)
        middle = (image @ weights).mean()
        image = np.clip(contrast * image + (1 - contrast) * middle, 0, 255)
        if channels == 3:
            grey = (image @ weights)[..., None]
            image = np.clip(saturation * image + (1 - saturation) * grey, 0, 255)
        np.testing.assert_allclose(result[number], image, atol=1e-2)
    assert (result.min(), result.max()) == (0, 255)


def box_by_hand(drawn: np.ndarray, height: int, width: int) -> list[int]:
    """Take one decision after the other, as the algorithm of the paper does."""
    if drawn[0] >= 0.5:
        return []
    for share, shape in drawn[3:].reshape(-1, 2):
        area, aspect = (0.02 + share * 0.38) * height * width, 0.3 + shape * (1 / 0.3 - 0.3)
        tall, wide = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if tall < height and wide < width:
            return [int(drawn[1] * (height - tall + 1)), int(drawn[2] * (width - wide + 1)), tall, wide]
    return []


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 33)])
def test_boxes_are_those_of_the_paper(height: int, width: int) -> None:
    words = [7, tf.range(2000)]
    found, drawn = boxes(words, height, width).numpy(), uniform(words, 19).numpy().astype(np.float64)
    expected = [box_by_hand(each, height, width) for each in drawn]
    assert all(box[2:].tolist() == [0, 0] for box, by_hand in zip(found, expected, strict=True) if not by_hand)
    agreeing = [box.tolist() == by_hand for box, by_hand in zip(found, expected, strict=True) if by_hand]
    assert np.mean(agreeing) > 0.99  # but for those that float32 rounds to the other side
    assert len(agreeing) == pytest.approx(1000, abs=100)
    top, left, tall, wide = found.T
    assert (top.min(), left.min(), (top + tall).max(), (left + wide).max()) == (0, 0, height, width)
    share = (tall * wide)[tall > 0] / (height * width)
    assert share.max() < 0.45
    assert share.mean() == pytest.approx(0.18, abs=0.03)


@pytest.mark.parametrize("shape", [(16, 16, 1), (17, 19, 3)])
def test_a_box_becomes_noise_and_the_rest_stays(shape: tuple[int, int, int]) -> None:
    images = np.full((3, *shape), 100).astype(np.float32)
    box = np.array([[2, 3, 10, 5], [0, 0, 0, 0], [0, 0, 16, 16]], np.int32)
    keys = noise_keys([1, tf.range(3)])
    result = erased(tf.constant(images), tf.constant(box), keys).numpy()
    expected = np.zeros((3, *shape[:2]), bool)
    expected[0, 2:12, 3:8] = expected[2, :16, :16] = True
    changed = (result != images).any(axis=-1)
    assert not (changed & ~expected).any()
    assert (changed & expected).sum() > 0.97 * expected.sum()
    noise = result[2, :16, :16]
    assert noise.mean() == pytest.approx(127.5, abs=15)
    assert noise.std() == pytest.approx(255 / math.sqrt(12), abs=10)
    assert not np.array_equal(noise[2:12, 3:8], result[0, 2:12, 3:8])

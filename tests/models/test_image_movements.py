"""Flip, crop and rotate, against the same worked out pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from models.hashed_draws import hashed
from models.image_movements import LARGEST_ANGLE, flips, half_tangents, rotated, shifts, sources, taken_from

SHAPES = [(16, 16, 1), (17, 17, 3), (16, 21, 3)]


def images_of(shape: tuple[int, int, int], count: int = 6) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, *shape)).astype(np.uint8)


def test_a_flip_alternates_and_half_of_the_examples_begin_with_it() -> None:
    example = tf.range(2000, dtype=tf.int64)
    words = [3, 1, example]
    flipped = np.stack([flips(words, tf.fill(example.shape, tf.constant(before, tf.int64))) for before in range(4)])
    np.testing.assert_array_equal(flipped[0], hashed(words).numpy() % 2 == 1)
    np.testing.assert_array_equal(flipped[1], ~flipped[0])
    np.testing.assert_array_equal(flipped[2:], flipped[:2])
    assert 0.45 < flipped[0].mean() < 0.55
    other = flips([4, 1, example], tf.zeros(example.shape, tf.int64)).numpy()
    assert 0.45 < (other == flipped[0]).mean() < 0.55


@pytest.mark.parametrize(("side", "padding"), [(16, 2), (17, 2), (32, 4), (7, 0)])
def test_a_crop_cuts_anywhere_within_an_eighth_of_the_side(side: int, padding: int) -> None:
    shift = shifts([5, tf.range(9000)], side).numpy()
    places, counts = np.unique(shift, return_counts=True)
    assert places.tolist() == list(range(-padding, padding + 1))
    np.testing.assert_allclose(counts, 9000 / len(places), rtol=0.15)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_crop_is_a_cut_from_the_padded_image(shape: tuple[int, int, int]) -> None:
    images, (height, width, _) = images_of(shape), shape
    down, right = np.array([[-2, -1, 0, 1, 2, 2], [2, 0, -2, 1, -1, 2]], np.int32)
    rows, columns = sources(tf.constant(down), height), sources(tf.constant(right), width)
    cropped = taken_from(tf.constant(images), rows, columns)
    assert cropped.dtype == tf.uint8  # nothing is between
    padded = np.pad(images, [(0, 0), (2, 2), (2, 2), (0, 0)], mode="reflect")
    for number, (y, x) in enumerate(zip(down + 2, right + 2, strict=True)):
        np.testing.assert_array_equal(cropped[number], padded[number, y : y + height, x : x + width])


def turned_by_hand(image: np.ndarray, angle: float) -> np.ndarray:
    """Look up where each pixel comes from, between four pixels, in an image whose mirror images lie around it."""
    height, width, _ = image.shape
    padded = np.pad(image.astype(np.float64), [(height, height), (width, width), (0, 0)], mode="symmetric")
    result = np.empty(image.shape)
    for row in range(height):
        for column in range(width):
            up, right = (height - 1) / 2 - row, column - (width - 1) / 2
            # Turned back, clockwise, for the result is turned anticlockwise.
            x = right * math.cos(angle) + up * math.sin(angle) + (width - 1) / 2 + width
            y = (height - 1) / 2 - (up * math.cos(angle) - right * math.sin(angle)) + height
            left, top = math.floor(x), math.floor(y)
            a, b = x - left, y - top
            result[row, column] = (
                padded[top, left] * (1 - a) * (1 - b)
                + padded[top, left + 1] * a * (1 - b)
                + padded[top + 1, left] * (1 - a) * b
                + padded[top + 1, left + 1] * a * b
            )
    return result


@pytest.mark.parametrize("shape", SHAPES)
def test_a_rotation_is_about_the_middle_between_pixels_with_the_mirror_image_beyond(
    shape: tuple[int, int, int],
) -> None:
    images = images_of(shape, 4)
    angle = np.array([0.0, 0.1, -0.2, math.radians(LARGEST_ANGLE)], np.float32)
    result = rotated(tf.constant(images, tf.float32), tf.constant(np.tan(angle / 2))).numpy()
    np.testing.assert_allclose(result[0], images[0], atol=1e-3)
    for number in range(1, 4):
        np.testing.assert_allclose(result[number], turned_by_hand(images[number], angle[number]), atol=0.05)
    assert result.min() >= 0
    assert result.max() <= 255


def test_angles_are_all_within_a_few_degrees() -> None:
    angle = 2 * np.degrees(np.arctan(half_tangents([1, tf.range(5000)])))
    assert angle.min() == pytest.approx(-LARGEST_ANGLE, abs=0.1)
    assert angle.max() == pytest.approx(LARGEST_ANGLE, abs=0.1)
    counts, _ = np.histogram(angle, bins=10, range=(-LARGEST_ANGLE, LARGEST_ANGLE))
    np.testing.assert_allclose(counts, 500, rtol=0.15)

"""All augmentations together: what they depend on, and what they do not."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.augmentation import AUGMENTATIONS, Augmentation, Batch, mixed_batch, shares_and_ranks
from models.hashed_draws import uniform
from models.image_changes import color_factors, recolored
from models.losses import make_loss

ALL = tuple(AUGMENTATIONS)
ALONE = tuple(name for name in ALL if name != "mixup")  # which do not look at other images
SHAPE = (17, 17, 3)
COUNT = 12
IMAGES = np.random.default_rng(3).integers(0, 256, (COUNT, *SHAPE)).astype(np.uint8)
LABELS = np.arange(COUNT, dtype=np.int32)


def seen(example: Iterable[int] = range(COUNT), before: int = 0) -> np.ndarray:
    return np.array([[one, before] for one in example], np.int64)


def augmented(names: Iterable[str], appearances: np.ndarray | None = None, seed: int = 0) -> np.ndarray:
    appearances = seen() if appearances is None else appearances
    augmentation = Augmentation(tuple(names), seed, SHAPE)
    images = tf.constant(IMAGES[appearances[:, 0]])
    plain = Batch(images, tf.constant(LABELS[appearances[:, 0]]))
    batch = augmentation.batch(plain, augmentation.numbers(appearances))
    assert batch.images.shape == images.shape
    return np.asarray(batch.images)


@pytest.mark.parametrize("name", ALONE)
def test_what_becomes_of_an_example_depends_on_no_other(name: str) -> None:
    whole = augmented([name])
    np.testing.assert_array_equal(augmented([name]), whole)
    for order in (range(COUNT)[::-1], [5], [3, 3, 9]):
        np.testing.assert_array_equal(augmented([name], seen(order)), whole[list(order)])


@pytest.mark.parametrize("name", ALL)
def test_it_changes_with_the_seed_the_example_and_each_time_it_is_seen(name: str) -> None:
    first = augmented([name])
    assert not np.array_equal(first, IMAGES)
    for other in (augmented([name], seen(before=1)), augmented([name], seed=1)):
        assert not np.array_equal(other, first)
    same = np.stack([IMAGES[:1]] * COUNT)[:, 0]
    augmentation = Augmentation((name,), 0, SHAPE)
    numbers = augmentation.numbers(seen())
    if name != "mixup":
        assert len(np.unique(augmentation.batch(Batch(tf.constant(same), LABELS), numbers).images, axis=0)) > 1
    else:
        assert len(np.unique(numbers["share"])) == COUNT


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("names", [*combinations(ALL, 1), ("flip", "crop"), ALL], ids=",".join)
def test_pixel_values_stay_within_0_and_255(names: tuple[str, ...], channels: int) -> None:
    augmentation = Augmentation(names, 0, (17, 17, channels))
    images = np.where(IMAGES[..., :channels] < 128, 0, 255).astype(np.uint8)
    result = augmentation.batch(Batch(tf.constant(images), LABELS), augmentation.numbers(seen())).images
    assert result.dtype == tf.float32
    assert 0 <= np.min(result) <= np.max(result) <= 255


def test_the_order_of_the_names_does_not_count() -> None:
    assert Augmentation(("mixup", "crop", "flip"), 0, SHAPE).names == ("flip", "crop", "mixup")
    np.testing.assert_array_equal(augmented(ALL[::-1]), augmented(ALL))


def test_one_augmentation_does_not_change_what_another_draws() -> None:
    every = Augmentation(ALL, 0, SHAPE).numbers(seen())
    for name in ("rotate", "color", "erase", "mixup"):
        for key, drawn in Augmentation((name,), 0, SHAPE).numbers(seen()).items():
            np.testing.assert_array_equal(drawn, every[key])
    np.testing.assert_array_equal(Augmentation(("crop",), 0, SHAPE).numbers(seen())["rows"], every["rows"])


def test_flip_and_crop_are_a_crop_of_what_was_flipped() -> None:
    both, flipped = augmented(["flip", "crop"]), augmented(["flip"])
    is_flipped = [np.array_equal(one, image[:, ::-1]) for one, image in zip(flipped, IMAGES, strict=True)]
    assert 0 < sum(is_flipped) < COUNT
    np.testing.assert_array_equal(flipped[~np.array(is_flipped)], IMAGES[~np.array(is_flipped)])
    crop = Augmentation(("crop",), 0, SHAPE)
    np.testing.assert_array_equal(both, crop.batch(Batch(tf.constant(flipped), LABELS), crop.numbers(seen())).images)


def test_color_is_done_to_what_was_moved() -> None:
    factors = color_factors([0, AUGMENTATIONS["color"], seen()[:, 0], seen()[:, 1]])
    np.testing.assert_array_equal(augmented(["color", "flip"]), recolored(augmented(["flip"]), factors))


def test_the_distribution_of_shares_is_the_larger_part_of_that_of_the_paper() -> None:
    share, _ = shares_and_ranks([1, tf.range(50_000)])
    expected = np.random.default_rng(0).beta(0.2, 0.2, 50_000)
    expected = np.maximum(expected, 1 - expected)
    assert 0.5 <= np.min(share) <= np.max(share) <= 1
    bins = [0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 0.999, 0.9999, 1]
    counts, wanted = (np.histogram(each, bins)[0] for each in (share, expected))
    np.testing.assert_allclose(counts, wanted, rtol=0.07)


def test_a_share_is_the_first_that_is_accepted() -> None:
    words = [1, tf.range(500)]
    share, rank = (np.asarray(each) for each in shares_and_ranks(words))
    drawn = uniform(words, 17).numpy().astype(np.float64)
    np.testing.assert_array_equal(rank, drawn[:, 0].astype(np.float32))
    for number, pairs in enumerate(drawn[:, 1:].reshape(-1, 8, 2) ** 5):
        x, y = next(pair for pair in pairs if sum(pair) <= 1)
        assert share[number] == pytest.approx(max(x, y) / (x + y), rel=1e-4)


def test_images_and_labels_are_mixed_with_those_of_a_permutation_of_the_batch() -> None:
    share, rank = np.array([0.9, 0.75, 0.5], np.float32), np.array([0.5, 0.1, 0.3], np.float32)
    images = np.array([0, 100, 200], np.float32)[:, None, None, None]
    batch = mixed_batch(tf.constant(images), tf.constant([7, 8, 9]), tf.constant(share), tf.constant(rank))
    partner = [1, 2, 0]  # the places of the ranks, from the lowest
    expected = share * images.ravel() + (1 - share) * images.ravel()[partner]
    np.testing.assert_allclose(np.ravel(batch.images), expected, rtol=1e-6)
    assert (batch.labels.numpy().tolist(), batch.others.numpy().tolist()) == ([7, 8, 9], [8, 9, 7])
    np.testing.assert_array_equal(batch.shares, share)


@pytest.mark.parametrize("name", ["softmax_cross_entropy", "l1", "mse", "smooth_l1"])
def test_the_loss_of_mixed_images_is_mixed(name: str) -> None:
    loss, logits = make_loss(name), np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    labels, others, share = np.array([0, 1, 2], np.int32), np.array([3, 3, 2], np.int32), np.array([0.9, 0.75, 0.5])
    batch = Batch(None, tf.constant(labels), tf.constant(others), tf.constant(share, tf.float32))
    each = [
        part * float(loss(one[place : place + 1], logits[place : place + 1]))
        for one, weights in ((labels, share), (others, 1 - share))
        for place, part in enumerate(weights)
    ]
    assert float(batch.loss(loss, logits)) == pytest.approx(sum(each) / 3, rel=1e-5)
    assert float(Batch(None, labels).loss(loss, logits)) == float(loss(labels, logits))


def test_a_loss_of_ones_own_is_mixed_too() -> None:
    class Wrong(keras.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return 1 - tf.gather(y_pred, tf.cast(y_true, tf.int32), batch_dims=1)

    batch = Batch(None, tf.constant([0]), tf.constant([1]), tf.constant([0.75]))
    assert float(batch.loss(Wrong(), tf.constant([[1.0, 0.0]]))) == pytest.approx(0.25)


def test_the_last_example_of_all_is_mixed_with_itself() -> None:
    np.testing.assert_array_equal(augmented(["mixup"], seen([4])), IMAGES[4:5])


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown augmentation 'flop'; choose one of: .*; did you mean 'flip'"):
        Augmentation(("flop",), 0, SHAPE)

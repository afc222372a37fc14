"""Numbers that look random, each a function of whose it is."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from models.hashed_draws import hashed, mixed, uniform


def lowbias32(bits: int) -> int:
    """As the author of the hash gives it, in whole numbers of any size."""
    bits ^= bits >> 16
    bits = bits * 0x7FEB352D % 2**32
    bits ^= bits >> 15
    bits = bits * 0x846CA68B % 2**32
    return bits ^ bits >> 16


def hash_of(*words: int) -> int:
    bits = 0
    for word in words:
        bits = lowbias32(((bits ^ word % 2**32) + 0x9E3779B9) % 2**32)
    return bits


def test_mixing_is_the_published_function() -> None:
    given = [0, 1, 2, 0x80000000, 0xFFFFFFFF, 123456789]
    assert mixed(tf.constant(given, tf.uint32)).numpy().tolist() == [lowbias32(bits) for bits in given]


def test_a_hash_is_of_all_words_in_their_order() -> None:
    examples = [0, 1, 7, 2**31, 2**32 - 1]
    hashes = hashed([2**32 - 1, tf.constant(examples, tf.int64), 3]).numpy()
    assert hashes.tolist() == [hash_of(2**32 - 1, example, 3) for example in examples]
    assert hash_of(1, 2) != hash_of(2, 1)
    assert hashed([0]).numpy() != 0


def test_of_a_number_above_32_bits_the_lowest_count() -> None:
    large = tf.constant([2**32 + 5, 2**40 + 6], tf.int64)
    assert hashed([1, large]).numpy().tolist() == [hash_of(1, 5), hash_of(1, 6)]


def test_uniform_numbers_are_those_of_the_hash() -> None:
    drawn = uniform([9, tf.constant([4, 5])], 3).numpy()
    expected = [
        [((hash_of(hash_of(9, example), place) >> 9) + 0.5) / 2**23 for place in range(3)] for example in (4, 5)
    ]
    assert drawn.dtype == np.float32
    assert drawn.tolist() == expected  # to the last bit: each is exact in float32


@pytest.mark.parametrize("axis", [0, 1])
def test_uniform_numbers_are_uniform_and_do_not_hang_together(axis: int) -> None:
    drawn = uniform([0, tf.range(20_000)], 8).numpy()
    assert 0 < drawn.min() < 1e-4
    assert 1 - 1e-4 < drawn.max() < 1
    # Over 20,000 numbers a mean of 0.5 has a standard error of 0.002, a correlation of 0 one of 0.007.
    np.testing.assert_allclose(drawn.mean(axis=0), 0.5, atol=0.01)
    np.testing.assert_allclose(drawn.std(axis=0), 12**-0.5, atol=0.01)
    pairs = (drawn[:-1], drawn[1:]) if axis == 0 else (drawn[:, :-1], drawn[:, 1:])
    assert abs(np.corrcoef(pairs[0].ravel(), pairs[1].ravel())[0, 1]) < 0.02
    counts, _ = np.histogram(drawn, bins=16, range=(0, 1))
    np.testing.assert_allclose(counts, 10_000, rtol=0.05)

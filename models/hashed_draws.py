"""Random numbers that are a function of whose they are: nothing is drawn one after the other, so nothing has a state.

The idea is that of counter-based generators (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): a
counter is mixed until its bits look random. TensorFlow's own stateless operations take one seed for a whole tensor, so
that a number would depend on the place of its example within a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

# So that no chain of zeros is hashed to zero: 2^32 divided by the golden ratio, as in Weyl sequences.
STRIDE = 0x9E3779B9


def mixed(bits: Any) -> Any:
    """Return uint32 of the same shape, in which each bit depends on all bits of ``bits``, uint32; one to one.

    Wellons' lowbias32 (github.com/skeeto/hash-prospector, public domain), the finaliser of MurmurHash3 with constants
    of less bias.
    """
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        bits = tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, _word(shift))) * _word(factor)
    return tf.bitwise.bitwise_xor(bits, tf.bitwise.right_shift(bits, _word(16)))


def hashed(words: Sequence[Any]) -> Any:
    """Return uint32 that looks random and depends on all ``words``, each a number or a tensor of integers.

    Of a word that is larger the lowest 32 bits count. Shapes are broadcast.
    """
    bits = _word(0)
    for word in words:
        bits = mixed(tf.bitwise.bitwise_xor(bits, _word(word)) + _word(STRIDE))
    return bits


def uniform(words: Sequence[Any], count: int) -> Any:
    """Return ``count`` numbers for each of the ``words`` of shape (examples,): float32, (examples, count).

    Each is one of the 2^23 multiples of 2^-23 plus 2^-24 between 0 and 1: never 0 nor 1, and exact in float32.
    """
    bits = hashed([hashed(words)[:, None], tf.range(count)[None, :]])
    return (tf.cast(tf.bitwise.right_shift(bits, _word(9)), tf.float32) + 0.5) * 2.0**-23


def _word(value: Any) -> Any:
    return tf.cast(value, tf.uint32) if tf.is_tensor(value) else tf.constant(value, tf.uint32)

"""The order of an epoch, and how it is cut into blocks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.data.epoch_order import cut, epoch_passes

SEEDS, EPOCHS = st.integers(0, 2**32 - 1), st.integers(1, 1000)


def epoch_order(examples: int, *, seed: int, epoch: int, shuffle: bool, repeat: int) -> np.ndarray:
    return np.concatenate([*epoch_passes(examples, seed=seed, epoch=epoch, shuffle=shuffle, repeat=repeat)])


@given(examples=st.integers(1, 300), seed=SEEDS, epoch=EPOCHS, repeat=st.integers(1, 3), shuffle=st.booleans())
def test_every_pass_of_an_epoch_holds_each_example_once(
    examples: int, seed: int, epoch: int, repeat: int, *, shuffle: bool
) -> None:
    order = epoch_order(examples, seed=seed, epoch=epoch, shuffle=shuffle, repeat=repeat)
    assert order.shape == (repeat * examples,)
    for one_pass in np.split(order, repeat):
        np.testing.assert_array_equal(np.sort(one_pass), np.arange(examples))
        if not shuffle:
            np.testing.assert_array_equal(one_pass, np.arange(examples))


@given(SEEDS, EPOCHS)
def test_the_order_is_a_function_of_seed_and_epoch(seed: int, epoch: int) -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return epoch_order(100, seed=seed, epoch=epoch, shuffle=True, repeat=1).tolist()

    np.random.default_rng().random()  # whatever was drawn before
    assert order(seed, epoch) == order(seed, epoch)
    assert order(seed, epoch) != order(seed, epoch + 1)
    assert order(seed, epoch) != order(seed + 1, epoch)


def test_each_pass_is_shuffled_by_itself() -> None:
    first, second = np.split(epoch_order(100, seed=1, epoch=1, shuffle=True, repeat=2), 2)
    assert not np.array_equal(first, second)


def test_the_order_is_the_one_that_runs_of_old_were_trained_in() -> None:
    order = epoch_order(7, seed=3, epoch=2, shuffle=True, repeat=2)
    assert order.tolist() == [4, 0, 2, 1, 6, 3, 5, 5, 0, 4, 1, 3, 2, 6]


def test_passes_are_made_when_they_are_asked_for() -> None:
    passes = epoch_passes(1000, seed=0, epoch=1, shuffle=True, repeat=10**12)
    first = next(cut(passes, block=64, skip=1500))
    np.testing.assert_array_equal(first, epoch_order(1000, seed=0, epoch=1, shuffle=True, repeat=2)[1500:1564])


@given(st.lists(st.integers(0, 20), max_size=9), st.integers(1, 50), st.integers(0, 100))
def test_cutting_leaves_nothing_out_but_what_is_to_be_skipped(lengths: list[int], block: int, skip: int) -> None:
    positions = np.arange(sum(lengths))
    passes = np.split(positions, np.cumsum(lengths)[:-1]) if lengths else []
    blocks = list(cut(passes, block=block, skip=skip))
    np.testing.assert_array_equal(np.concatenate([np.arange(0), *blocks]), positions[skip:])
    assert [len(each) for each in blocks[:-1]] == [block] * (len(blocks) - 1)
    assert all(0 < len(each) <= block for each in blocks)

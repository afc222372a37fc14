"""Reading a prepared dataset: the order of an epoch, and the blocks of a split."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.data import prepared as prepared_module
from tasks.data.prepared import (
    DamagedError,
    PreparedDataset,
    cut,
    epoch_passes,
    load_prepared,
    open_split,
    open_training_epoch,
)

SEEDS, EPOCHS = st.integers(0, 2**32 - 1), st.integers(1, 1000)
Blocks = list[tuple[np.ndarray, np.ndarray]]


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


def blocks_of(dataset: Iterable[tuple[np.ndarray, np.ndarray]]) -> Blocks:
    return list(dataset)


def split_on_disk(prepared: PreparedDataset, split: str) -> tuple[np.ndarray, np.ndarray]:
    images, labels, indices = (np.load(prepared.directory / f"{name}.npy") for name in ("images", "labels", split))
    return images[indices], labels[indices]


@pytest.mark.parametrize("block", [None, 1, 7, 1000])
@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_blocks_cover_a_split_once_in_order(prepared: PreparedDataset, split: str, block: int | None) -> None:
    blocks = blocks_of(open_split(prepared, split, block=block))
    images, labels = split_on_disk(prepared, split)
    np.testing.assert_array_equal(np.concatenate([part for part, _ in blocks]), images)
    np.testing.assert_array_equal(np.concatenate([part for _, part in blocks]), labels)
    assert (blocks[0][0].dtype, blocks[0][1].dtype) == (np.uint8, np.int32)
    if block:
        assert [len(part) for part, _ in blocks[:-1]] == [block] * (math.ceil(len(images) / block) - 1)


@pytest.mark.parametrize(("batch_size", "repeat"), [(32, 1), (10, 1), (7, 2), (1000, 1)])
def test_a_training_epoch_is_whole_batches_in_the_order_of_the_epoch(
    prepared: PreparedDataset, monkeypatch: pytest.MonkeyPatch, batch_size: int, repeat: int
) -> None:
    monkeypatch.setattr(prepared_module, "BLOCK_STEPS", 3)
    blocks = blocks_of(open_training_epoch(prepared, 5, 2, batch_size=batch_size, shuffle=True, repeat=repeat))
    images, labels = split_on_disk(prepared, "train")
    order = epoch_order(len(images), seed=5, epoch=2, shuffle=True, repeat=repeat)
    np.testing.assert_array_equal(np.concatenate([part for part, _ in blocks]), images[order])
    np.testing.assert_array_equal(np.concatenate([part for _, part in blocks]), labels[order])
    assert all(len(part) == 3 * batch_size for part, _ in blocks[:-1])
    steps = sum(math.ceil(len(part) / batch_size) for part, _ in blocks)
    assert steps == prepared.steps_per_epoch(batch_size, repeat) == math.ceil(repeat * len(images) / batch_size)


@pytest.mark.parametrize("steps_done", [0, 1, 3, 4, 5, 6])
@pytest.mark.parametrize("repeat", [1, 2])
def test_the_rest_of_an_epoch_is_what_comes_after_the_steps_that_are_done(
    prepared: PreparedDataset, monkeypatch: pytest.MonkeyPatch, steps_done: int, repeat: int
) -> None:
    monkeypatch.setattr(prepared_module, "BLOCK_STEPS", 3)

    def epoch(**done: int) -> Blocks:
        return blocks_of(open_training_epoch(prepared, 5, 2, batch_size=30, shuffle=True, repeat=repeat, **done))

    whole, rest = epoch(), epoch(steps_done=steps_done)
    for part in (0, 1):
        expected = np.concatenate([block[part] for block in whole])[steps_done * 30 :]
        np.testing.assert_array_equal(np.concatenate([block[part] for block in rest]), expected)
    assert all(len(images) == 3 * 30 for images, _ in rest[:-1])


def test_large_images_make_small_blocks_of_at_least_one_batch(
    prepared: PreparedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared_module, "TRAINING_BYTES", 16 * 16 * 50)
    for batch_size, expected in ((20, 40), (60, 60)):
        blocks = blocks_of(open_training_epoch(prepared, 0, 1, batch_size=batch_size, shuffle=False, repeat=1))
        assert len(blocks[0][0]) == expected


def test_a_set_on_disk_is_loaded_as_it_was_prepared(prepared: PreparedDataset) -> None:
    assert load_prepared(prepared.directory) == prepared


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("validation.npy", b""),
        ("manifest.json", b""),
        ("manifest.json", b"{"),
        ("manifest.json", b"[]"),
        ("manifest.json", b"{}"),
        ("manifest.json", b"\xff"),
    ],
)
def test_a_file_that_is_not_what_was_written_is_damaged(
    prepared: PreparedDataset, tmp_path: Path, name: str, content: bytes
) -> None:
    directory = shutil.copytree(prepared.directory, tmp_path / "copy")
    (directory / name).write_bytes(content)
    with pytest.raises(DamagedError) as error:
        load_prepared(directory)
    assert error.value.path == directory / name


def test_a_prepared_dataset_survives_json(prepared: PreparedDataset) -> None:
    assert PreparedDataset.model_validate_json(prepared.model_dump_json()) == prepared

"""Reading a prepared dataset: the blocks of an epoch and of a split, and whether its files are whole."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from tasks.data import prepared as prepared_module
from tasks.data.epoch_order import epoch_passes
from tasks.data.prepared import (
    DamagedError,
    PreparedDataset,
    load_prepared,
    open_split,
    open_training_epoch,
)

Blocks = list[tuple[np.ndarray, np.ndarray]]


def epoch_order(examples: int, *, seed: int, epoch: int, shuffle: bool, repeat: int) -> np.ndarray:
    return np.concatenate([*epoch_passes(examples, seed=seed, epoch=epoch, shuffle=shuffle, repeat=repeat)])


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


@pytest.mark.parametrize("steps_done", [0, 4])
@pytest.mark.parametrize("how", [{"shuffle": True}, {"shuffle": False}])
def test_each_example_is_told_with_how_often_it_was_shown_before(
    prepared: PreparedDataset, monkeypatch: pytest.MonkeyPatch, steps_done: int, how: dict[str, bool]
) -> None:
    monkeypatch.setattr(prepared_module, "BLOCK_STEPS", 3)
    how = {"batch_size": 30, "repeat": 3, **how}
    plain = blocks_of(open_training_epoch(prepared, 5, 2, **how, steps_done=steps_done))
    told = blocks_of(open_training_epoch(prepared, 5, 2, **how, steps_done=steps_done, appearances=True))
    for (images, labels), (same_images, same_labels, appearances) in zip(plain, told, strict=True):
        np.testing.assert_array_equal(same_images, images)
        np.testing.assert_array_equal(same_labels, labels)
        assert (appearances.dtype, appearances.shape) == (np.int64, (len(labels), 2))
        np.testing.assert_array_equal(np.load(prepared.directory / "images.npy")[appearances[:, 0]], images)
    places, before = np.concatenate([block[2] for block in told]).T
    count = prepared.examples["train"]
    # The second epoch of three passes each: three times before, four times, five times.
    np.testing.assert_array_equal(before, np.repeat([3, 4, 5], count)[steps_done * 30 :])
    if not steps_done:
        assert sorted(places[:count]) == sorted(places[count : 2 * count]) == prepared.indices("train").tolist()


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

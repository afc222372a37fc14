"""Another validation split of a prepared dataset: what is drawn, what stays, and what becomes of damaged files."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tasks.data import resplit as resplit_module
from tasks.data.blocks import open_split, open_training_epoch
from tasks.data.prepared import PreparedDataset, load_prepared
from tasks.data.resplit import resplit
from tasks.foundation.errors import InputError, StorageError
from tests.support.log import own_messages

ROOT = Path(__file__).parents[3]


@pytest.fixture
def base(own_prepared: PreparedDataset) -> PreparedDataset:
    """The dataset of 300 digits, where other splits of it may be made, and harmed."""
    return own_prepared


def array(prepared: PreparedDataset, name: str) -> np.ndarray:
    return np.load(prepared.directory / f"{name}.npy")


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


def test_split_0_is_the_one_that_was_prepared(base: PreparedDataset) -> None:
    before = files(base.directory)
    assert resplit(base, 0) is base
    assert files(base.directory) == before
    assert not (base.directory / "splits").exists()
    for split in ("train", "validation", "test"):
        np.testing.assert_array_equal(base.indices(split), array(base, split))


def test_another_split_draws_other_validation_images_and_changes_nothing_else(base: PreparedDataset) -> None:
    before = files(base.directory)
    drawn = resplit(base, 7)
    assert files(base.directory) == before
    assert load_prepared(base.directory) == base
    unchanged = ("digest", "files", "examples", "directory", "classes", "image_shape")
    assert drawn.model_dump(include=set(unchanged)) == base.model_dump(include=set(unchanged))
    assert drawn.split_seed == 7

    train, validation, test = (drawn.indices(split) for split in ("train", "validation", "test"))
    np.testing.assert_array_equal(test, array(base, "test"))
    pool = np.sort(np.concatenate([array(base, "train"), array(base, "validation")]))
    np.testing.assert_array_equal(np.sort(np.concatenate([train, validation])), pool)
    assert (len(train), len(validation)) == (drawn.examples["train"], drawn.examples["validation"])
    assert not np.array_equal(validation, array(base, "validation"))
    labels = array(base, "labels")
    np.testing.assert_array_equal(np.bincount(labels[validation]), np.bincount(labels[array(base, "validation")]))


def test_pixel_statistics_are_those_of_the_new_training_split(base: PreparedDataset) -> None:
    drawn = resplit(base, 7)
    training = array(base, "images")[drawn.indices("train")].astype(np.float64)
    assert drawn.pixel_mean == pytest.approx((training.mean(),), rel=1e-12)
    assert drawn.pixel_deviation == pytest.approx((training.std(),), rel=1e-9)
    assert drawn.pixel_mean != base.pixel_mean


def test_seeds_differ_and_each_gives_the_same_again(base: PreparedDataset) -> None:
    first, second, largest = (resplit(base, seed) for seed in (1, 2, 2**32 - 1))
    splits = [tuple(each.indices("validation").tolist()) for each in (first, second, largest)]
    assert len(set(splits)) == 3
    assert resplit(base, 1) == first
    shutil.rmtree(base.directory / "splits")
    again = resplit(base, 1)
    assert again == first
    assert tuple(again.indices("validation").tolist()) == splits[0]
    assert len({each.identity for each in (base, first, second, largest)}) == 4
    assert {each.digest for each in (first, second, largest)} == {base.digest}


def test_reading_gives_the_examples_of_the_split(base: PreparedDataset) -> None:
    drawn = resplit(base, 7)
    images, labels = array(base, "images"), array(base, "labels")
    how = {"batch_size": 32, "shuffle": False, "repeat": 1}
    for blocks, split in (
        (open_split(drawn, "validation"), "validation"),
        (open_split(drawn, "test"), "test"),
        (open_training_epoch(drawn, 0, 1, **how), "train"),
    ):
        read_images, read_labels = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
        np.testing.assert_array_equal(read_images, images[drawn.indices(split)])
        np.testing.assert_array_equal(read_labels, labels[drawn.indices(split)])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def say_another_mean(path: Path) -> None:
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"pixel_mean": [1.5]}))


def say_another_dataset(path: Path) -> None:
    """As where the dataset was prepared anew of other images in the same place: whole, but not its own."""
    facts = resplit_module.SplitFacts(**json.loads(path.read_text()) | {"digest": "other"})
    path.write_text(facts.model_copy(update={"checksum": facts.own_checksum()}).model_dump_json())


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        *((name, harm) for name in ("train.npy", "validation.npy", "split.json") for harm in (flip, Path.unlink)),
        ("split.json", say_another_mean),
        ("split.json", say_another_dataset),
    ],
)
def test_damaged_files_are_made_anew(
    base: PreparedDataset, caplog: pytest.LogCaptureFixture, name: str, harm: Callable[[Path], None]
) -> None:
    drawn = resplit(base, 7)
    directory = base.directory / "splits" / "7"
    before = files(directory)
    assert set(before) == {"train.npy", "validation.npy", "split.json"}
    harm(directory / name)
    with caplog.at_level(logging.WARNING):
        assert resplit(base, 7) == drawn
    assert own_messages(caplog) == [f"The prepared file {directory / name} is damaged; the split is drawn again."]
    assert files(directory) == before
    assert [path.name for path in directory.parent.iterdir()] == ["7"]


def test_what_is_damaged_again_is_bad_input(base: PreparedDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    resplit(base, 7)
    original, path = resplit_module._write, base.directory / "splits" / "7" / "train.npy"

    def on_a_bad_disk(*arguments: object) -> None:
        original(*arguments)
        flip(path)

    monkeypatch.setattr(resplit_module, "_write", on_a_bad_disk)
    flip(path)
    with pytest.raises(InputError, match=r"train\.npy' is damaged, and was so again .* check the disk"):
        resplit(base, 7)


def test_a_killed_process_leaves_no_half_made_split(base: PreparedDataset) -> None:
    code = """
import sys
from pathlib import Path
from tasks.data.prepared import load_prepared
from tasks.data.resplit import resplit
resplit(load_prepared(Path(sys.argv[1])), 7)
"""
    command = [sys.executable, "-c", code, str(base.directory)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CRASH_AT": "split_written"}
    assert subprocess.run(command, env=environment, check=False, cwd=base.directory.parent).returncode < 0
    assert [path.name for path in (base.directory / "splits").iterdir()] == ["7.unfinished"]
    assert load_prepared(base.directory) == base
    drawn = resplit(base, 7)
    assert [path.name for path in (base.directory / "splits").iterdir()] == ["7"]
    assert drawn.indices("validation").shape == (50,)


def test_threads_at_once_draw_once(base: PreparedDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    made, original = [], resplit_module._write
    monkeypatch.setattr(resplit_module, "_write", lambda *a: made.append(a) or original(*a))
    barrier, drawn = threading.Barrier(3), []

    def draw() -> None:
        barrier.wait()
        drawn.append(resplit(base, 7))

    threads = [threading.Thread(target=draw) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(drawn) == 3
    assert drawn[0] == drawn[1] == drawn[2]
    assert len(made) == 1


def test_a_folder_that_cannot_be_written_is_told(base: PreparedDataset) -> None:
    (base.directory / "splits").touch()
    with pytest.raises(StorageError, match=r"cannot write '.*splits/7'"):
        resplit(base, 7)

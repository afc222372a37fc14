"""Preparing a dataset: what lies on disk afterwards, that it is made once, and what happens when it goes wrong."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from tasks import dataset as dataset_module
from tasks.dataset import prepare_dataset, stratified_choice
from tasks.errors import InputError
from tasks.prepared import PreparedDataset

Count = Callable[[], int]


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def times_made(monkeypatch: pytest.MonkeyPatch) -> Count:
    """How often a source was opened so far."""
    opened = []
    original = dataset_module.open_source
    monkeypatch.setattr(dataset_module, "open_source", lambda *a, **k: opened.append(a) or original(*a, **k))
    return lambda: len(opened)


def digits(**changes: Any) -> PreparedDataset:
    return prepare_dataset.fn("digits", **{"image_size": 16, "validation_fraction": 0.1, **changes})


def array(prepared: PreparedDataset, name: str) -> np.ndarray:
    return np.load(prepared.directory / f"{name}.npy")


def labels_of(prepared: PreparedDataset, split: str) -> np.ndarray:
    return array(prepared, "labels")[array(prepared, split)]


def test_digits_are_prepared_whole_in_the_order_of_scikit_learn() -> None:
    prepared = digits(image_size=8 * 2)
    source = load_digits()
    images = array(prepared, "images")
    assert images.dtype == np.uint8
    assert images.shape == (1797, 16, 16, 1)
    assert prepared.image_shape == (16, 16, 1)
    assert prepared.classes == tuple("0123456789")
    np.testing.assert_array_equal(array(prepared, "labels"), source.target)
    assert sum(prepared.examples.values()) == 1797
    # Brightness survives: 16 grey levels became 0 to 255.
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), source.images.mean(axis=(1, 2)) * 255 / 16, atol=6)
    assert images.max() == 255


def test_splits_hold_every_example_once() -> None:
    prepared = digits()
    splits = [array(prepared, split) for split in ("train", "validation", "test")]
    np.testing.assert_array_equal(np.sort(np.concatenate(splits)), np.arange(1797))
    assert {split: len(indices) for split, indices in zip(prepared.examples, splits, strict=True)} == prepared.examples


def test_splits_hold_their_share_of_each_class() -> None:
    prepared = digits()
    everything = np.bincount(array(prepared, "labels"))
    test = np.bincount(labels_of(prepared, "test"))
    assert np.abs(test - 0.2 * everything).max() <= 0.5
    assert np.abs(np.bincount(labels_of(prepared, "validation")) - 0.1 * (everything - test)).max() <= 0.5


def test_pixel_statistics_are_those_of_the_training_split_alone() -> None:
    prepared = digits(limit_examples=200)
    training = array(prepared, "images")[array(prepared, "train")].astype(np.float64)
    assert prepared.pixel_mean == pytest.approx((training.mean(),), rel=1e-12)
    assert prepared.pixel_deviation == pytest.approx((training.std(),), rel=1e-9)


def test_same_arguments_elsewhere_give_the_same_digest(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = digits(limit_examples=100)
    (directory / "elsewhere").mkdir()
    monkeypatch.chdir(directory / "elsewhere")
    second = digits(limit_examples=100)
    assert second.directory != first.directory
    assert second.digest == first.digest


def test_digests_are_those_of_the_files() -> None:
    prepared = digits(limit_examples=100)
    assert set(prepared.files) == {f"{name}.npy" for name in ("images", "labels", "train", "validation", "test")}
    for name, digest in prepared.files.items():
        assert hashlib.sha256((prepared.directory / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("change", [{"image_size": 17}, {"validation_fraction": 0.3}, {"limit_examples": 90}])
def test_what_changes_the_data_changes_the_digest(change: dict[str, Any]) -> None:
    assert digits(limit_examples=100).digest != digits(**{"limit_examples": 100, **change}).digest


def test_validation_and_test_images_are_the_same_at_every_image_size() -> None:
    small, large = digits(image_size=16), digits(image_size=20)
    for split in ("train", "validation", "test"):
        np.testing.assert_array_equal(array(small, split), array(large, split))


def test_test_images_do_not_depend_on_the_validation_fraction() -> None:
    np.testing.assert_array_equal(
        array(digits(validation_fraction=0), "test"), array(digits(validation_fraction=0.3), "test")
    )


def test_without_validation_nothing_is_held_back() -> None:
    prepared = digits(validation_fraction=0)
    assert prepared.examples["validation"] == 0
    assert prepared.examples["train"] + prepared.examples["test"] == 1797


def test_a_limit_keeps_the_first_examples() -> None:
    limited = digits(limit_examples=100)
    assert sum(limited.examples.values()) == 100
    np.testing.assert_array_equal(array(limited, "images"), array(digits(), "images")[:100])


def test_a_limit_above_the_examples_changes_nothing() -> None:
    assert digits(limit_examples=5000).digest == digits().digest


def test_too_few_examples_of_a_class_are_an_error_that_says_how_many_it_takes() -> None:
    with pytest.raises(InputError, match=r"20 examples of 10 classes are too few .* at least 3 of each class"):
        digits(limit_examples=20)


def test_a_prepared_dataset_is_used_again(times_made: Count) -> None:
    first = digits(limit_examples=100)
    assert digits(limit_examples=100) == first
    assert times_made() == 1


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "train.npy", "manifest.json"])
def test_a_damaged_file_is_named_with_what_to_do(name: str) -> None:
    prepared = digits(limit_examples=100)
    path = prepared.directory / name
    damaged = bytearray(path.read_bytes())
    damaged[-3] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(InputError) as error:
        digits(limit_examples=100)
    assert repr(str(path)) in str(error.value)
    assert f"delete the folder {str(prepared.directory)!r}" in str(error.value)


@pytest.mark.parametrize("name", ["images.npy", "test.npy", "manifest.json"])
def test_a_missing_file_is_named(name: str) -> None:
    prepared = digits(limit_examples=100)
    (prepared.directory / name).unlink()
    with pytest.raises(InputError, match=name):
        digits(limit_examples=100)


def test_what_a_killed_holder_left_is_cleared_away() -> None:
    prepared = digits(limit_examples=100)
    leftover = prepared.directory.with_name(f"{prepared.directory.name}.unfinished")
    prepared.directory.rename(leftover)
    (leftover / "images.npy").write_bytes(b"half")
    assert digits(limit_examples=100).digest == prepared.digest
    assert not leftover.exists()


def test_an_error_leaves_no_directory_behind(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(dataset_module, "_pixel_statistics", interrupted)
    with pytest.raises(KeyboardInterrupt):
        digits(limit_examples=100)
    assert [path for path in (directory / "data").iterdir() if path.is_dir()] == []


def test_threads_at_once_prepare_once(times_made: Count) -> None:
    barrier, results = threading.Barrier(3), []

    def prepare() -> None:
        barrier.wait()
        results.append(digits(limit_examples=100))

    threads = [threading.Thread(target=prepare) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    assert results[0] == results[1] == results[2]
    assert times_made() == 1


def test_processes_at_once_prepare_once(directory: Path) -> None:
    code = """
import pathlib, sys
from tasks import dataset
original = dataset.open_source
def counted(*arguments, **keywords):
    with pathlib.Path("made").open("a") as file:
        file.write("once\\n")
    return original(*arguments, **keywords)
dataset.open_source = counted
print("ready", flush=True)
sys.stdin.readline()
print(dataset.prepare_dataset.fn("digits", image_size=16, validation_fraction=0.1, limit_examples=100).digest)
"""
    environment_path = str(Path(dataset_module.__file__).parent.parent)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", f"import sys; sys.path.insert(0, {environment_path!r})\n{code}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=directory,
        )
        for _ in range(2)
    ]
    assert [process.stdout.readline() for process in processes if process.stdout] == ["ready\n"] * 2
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    first, second = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert first == second
    assert (directory / "made").read_text() == "once\n"


LABELS = st.lists(st.integers(0, 5), min_size=1, max_size=80).map(np.array)
FRACTIONS = st.floats(0.01, 0.99)


@given(LABELS, FRACTIONS, st.integers(0, 2**32))
def test_stratified_choice_takes_the_share_of_each_class_but_never_all(
    labels: np.ndarray, fraction: float, seed: int
) -> None:
    chosen = stratified_choice(labels, fraction, seed=seed)
    np.testing.assert_array_equal(chosen, np.unique(chosen))
    np.testing.assert_array_equal(chosen, stratified_choice(labels, fraction, seed=seed))
    for label, members in zip(*np.unique(labels, return_counts=True), strict=True):
        taken = np.count_nonzero(labels[chosen] == label)
        assert taken < members
        assert taken >= min(1, members - 1)
        assert abs(taken - fraction * members) <= 1


def test_stratified_choice_depends_on_the_seed() -> None:
    labels = np.repeat(np.arange(4), 50)
    assert not np.array_equal(stratified_choice(labels, 0.3, seed=0), stratified_choice(labels, 0.3, seed=1))

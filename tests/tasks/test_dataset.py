"""Preparing a dataset: what lies on disk afterwards, that it is made once, and what happens when it goes wrong."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from prefect import flow
from sklearn.datasets import load_digits

from tasks import dataset as dataset_module
from tasks.data import preparation
from tasks.data.bound_dataset import BoundDataset
from tasks.data.prepared import PreparedDataset
from tasks.data.resplit import resplit
from tasks.dataset import prepare_dataset
from tasks.foundation.errors import DownloadError, InputError, StorageError
from tests.support.forks import Forks
from tests.support.log import own_messages

Count = Callable[[], int]
PREPARE = """
from pathlib import Path
from tasks import dataset
from tasks.data import preparation

original = preparation._write

def counted(*arguments):
    with Path("made").open("a") as file:
        file.write("once\\n")
    original(*arguments)

preparation._write = counted
print(dataset.prepare_dataset.fn("digits", image_size=16, validation_fraction=0.1, limit_examples=100).digest)
"""


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


def test_which_copy_is_used_and_when_it_was_made_is_told(caplog: pytest.LogCaptureFixture) -> None:
    prepared = digits(limit_examples=100)
    made = datetime(2024, 5, 6, 7, 8, 9).astimezone()
    os.utime(prepared.directory / "manifest.json", (made.timestamp(), made.timestamp()))
    caplog.clear()
    with caplog.at_level(logging.INFO):
        digits(limit_examples=100)
    known = f"from scikit-learn's load_digits, digest {prepared.digest[:12]}"
    assert own_messages(caplog) == [
        f"Using digits as it was prepared on 2024-05-06 07:08:09: {prepared.directory} ({known})."
    ]


def test_that_it_is_validated_on_images_of_its_own_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number, place in enumerate(("train/cat", "train/dog", "val/cat", "val/dog")):
        (tmp_path / "pictures" / place).mkdir(parents=True)
        for index in range(5):
            Image.new("L", (16, 16), 50 * number + index).save(tmp_path / "pictures" / place / f"{index}.png")
    with caplog.at_level(logging.INFO):
        prepare_dataset.fn(f"folder:{tmp_path / 'pictures'}", image_size=16, validation_fraction=0.1)
    assert own_messages(caplog)[-1].endswith("It is validated on the validation images that it came with.")


def pictures(directory: Path, each: int) -> str:
    """Put so many images more into each of two classes, and return the name of that dataset."""
    for number, name in enumerate(("cat", "dog")):
        (directory / "pictures" / name).mkdir(parents=True, exist_ok=True)
        there = len(list((directory / "pictures" / name).iterdir()))
        for index in range(there, there + each):
            Image.new("L", (16, 16), 100 * number + index).save(directory / "pictures" / name / f"{index}.png")
    return "folder:pictures"


def test_what_is_bound_gets_the_copy_of_then_and_says_that_the_source_has_changed(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    how = {"image_size": 16, "validation_fraction": 0.2}
    first = prepare_dataset.fn(pictures(directory, 6), **how)
    bound = BoundDataset.of(first)
    with caplog.at_level(logging.INFO):
        assert prepare_dataset.fn("folder:pictures", **how, bound=bound) == first
        assert "left alone" not in caplog.text
        assert prepare_dataset.fn(pictures(directory, 1), **how, bound=bound) == first
        assert "What it was prepared from holds other data by now, which is left alone" in caplog.text
        shutil.rmtree(directory / "pictures")
        assert prepare_dataset.fn("folder:pictures", **how, bound=bound) == first
        assert "What it was prepared from cannot be read any more." in caplog.text


def test_what_is_bound_is_prepared_again_only_from_the_same_data(directory: Path) -> None:
    how = {"image_size": 16, "validation_fraction": 0.2}
    first = prepare_dataset.fn(pictures(directory, 6), **how)
    bound = BoundDataset.of(first)
    shutil.rmtree(directory / "data")
    assert prepare_dataset.fn("folder:pictures", **how, bound=bound) == first
    shutil.rmtree(directory / "data")
    with pytest.raises(InputError, match=r"'folder:pictures' holds other data now .* class 'cat' 6 images, now 7; "):
        prepare_dataset.fn(pictures(directory, 1), **how, bound=bound)


def test_what_is_prepared_or_bound_comes_with_its_split(caplog: pytest.LogCaptureFixture) -> None:
    base, drawn = digits(limit_examples=100), digits(limit_examples=100, split_seed=5)
    assert drawn == resplit(base, 5) != base
    manifest = json.loads((base.directory / "manifest.json").read_text())
    assert "split_seed" not in manifest  # which is to be that of older versions, byte for byte
    caplog.clear()
    with caplog.at_level(logging.INFO):
        assert digits(limit_examples=100, split_seed=5, bound=BoundDataset.of(base)) == drawn
        assert digits(limit_examples=100, bound=BoundDataset.of(drawn)) == base
    told, other = own_messages(caplog)
    assert told.endswith(f"digest {base.digest[:12]}). It is validated on the images that split_seed 5 draws.")
    assert other.endswith(f"digest {base.digest[:12]}).")


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("harm", [damage, truncate, Path.unlink])
@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "test.npy", "manifest.json"])
def test_a_damaged_or_missing_file_is_named_and_the_dataset_prepared_again(
    name: str, harm: Callable[[Path], None], times_made: Count, caplog: pytest.LogCaptureFixture
) -> None:
    prepared = digits(limit_examples=100)
    harm(prepared.directory / name)
    assert digits(limit_examples=100) == prepared
    assert times_made() == 2
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert f"{prepared.directory / name} is damaged; the dataset is prepared again" in warning.getMessage()
    assert digits(limit_examples=100) == prepared  # and it is whole now
    assert times_made() == 2
    assert [path.name for path in prepared.directory.parent.iterdir() if path.is_dir()] == [prepared.directory.name]


def test_a_manifest_that_says_something_else_is_damaged(caplog: pytest.LogCaptureFixture) -> None:
    prepared = digits(limit_examples=100)
    manifest = prepared.directory / "manifest.json"
    mean = f"{prepared.pixel_mean[0]}".encode()
    assert mean in manifest.read_bytes()
    manifest.write_bytes(manifest.read_bytes().replace(mean, b"128.5"))
    assert digits(limit_examples=100) == prepared
    assert f"{manifest} is damaged" in caplog.text


def test_what_is_damaged_again_is_bad_input_that_names_the_file(
    times_made: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = digits(limit_examples=100)
    original = dataset_module.write_prepared

    def write_on_a_bad_disk(directory: Path, *how: Any) -> None:
        original(directory, *how)
        damage(directory / "train.npy")

    monkeypatch.setattr(dataset_module, "write_prepared", write_on_a_bad_disk)
    damage(prepared.directory / "images.npy")
    with pytest.raises(InputError) as error:
        digits(limit_examples=100)
    assert f"{str(prepared.directory / 'train.npy')!r} is damaged, and was so again" in str(error.value)
    assert "check the disk" in str(error.value)
    assert times_made() == 2  # once, and once again


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

    monkeypatch.setattr(preparation, "pixel_statistics", interrupted)
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


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks("tasks.dataset", "tensorflow", "sklearn.datasets", environment=os.environ) as forks:
        yield forks


def sets(directory: Path) -> list[str]:
    return sorted(path.name for path in (directory / "data").iterdir() if path.is_dir())


@pytest.mark.slow
def test_processes_at_once_prepare_once(directory: Path, forks: Forks) -> None:
    pids = [forks.start(PREPARE, directory) for _ in range(4)]
    assert [forks.status(pid) for pid in pids] == [0] * 4, (directory / "output").read_text()
    assert len(set((directory / "output").read_text().splitlines())) == 1
    assert (directory / "made").read_text() == "once\n"


def test_when_the_holder_of_the_lock_is_killed_the_next_one_prepares(directory: Path, forks: Forks) -> None:
    waiting = f"{PREPARE}\nprint('went on')"
    hold = "import time; from tasks.data import preparation; preparation.crash_point = lambda name: time.sleep(100)"
    holder = forks.start(f"{hold}{PREPARE}", directory)
    deadline = time.monotonic() + 60
    while not [path for path in directory.glob("data/*.unfinished/manifest.json") if path.stat().st_size]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    pid = forks.start(waiting, directory)
    time.sleep(0.5)
    assert (directory / "made").read_text() == "once\n"  # the second waits for the lock
    os.kill(holder, signal.SIGKILL)
    assert (forks.status(holder), forks.status(pid)) == (-signal.SIGKILL, 0)
    assert (directory / "output").read_text().endswith("went on\n")
    assert (directory / "made").read_text() == "once\n" * 2
    assert sets(directory) == [digits(limit_examples=100).directory.name]


def test_killed_before_the_files_are_in_their_place_leaves_no_half_made_set(directory: Path, forks: Forks) -> None:
    assert forks.run(PREPARE, directory, CRASH_AT="dataset_written") == -signal.SIGKILL
    (left,) = sets(directory)
    assert left.endswith(".unfinished")
    assert forks.run(PREPARE, directory) == 0
    assert sets(directory) == [left.removesuffix(".unfinished")]


def test_a_full_disk_is_told_and_leaves_no_half_made_set(directory: Path, forks: Forks) -> None:
    limited = f"""
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
from tasks.foundation.errors import StorageError
try:
    {PREPARE.strip().replace(chr(10), chr(10) + "    ")}
except StorageError as error:
    print("told:", error)
"""
    assert forks.run(limited, directory) == 0, (directory / "output").read_text()
    told = (directory / "output").read_text()
    assert told.startswith(f"told: cannot write '{directory / 'data'}")
    assert told.endswith("File too large; make room on that disk, or make the folder writable\n")
    assert sets(directory) == []


def test_a_folder_that_cannot_be_made_is_told(directory: Path) -> None:
    (directory / "data").touch()
    with pytest.raises(StorageError, match=r"cannot write '.*data/digits-"):
        digits(limit_examples=100)


def in_a_flow(delays: list[float]) -> PreparedDataset:
    """Prepare digits as a task of Prefect's, which retries after these delays."""

    @flow
    def prepare() -> PreparedDataset:
        task = prepare_dataset.with_options(retry_delay_seconds=delays)
        return task("digits", image_size=16, validation_fraction=0.1, limit_examples=100)

    return prepare()


@pytest.mark.usefixtures("prefect_server")
def test_a_download_that_broke_off_is_tried_again_with_growing_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[float] = []
    original = dataset_module.open_source

    def breaks_off_twice(*arguments: Any, **how: Any) -> Any:
        attempts.append(time.monotonic())
        if len(attempts) < 3:
            raise DownloadError("the download broke off")
        return original(*arguments, **how)

    monkeypatch.setattr(dataset_module, "open_source", breaks_off_twice)
    assert sum(in_a_flow([0.2, 0.8, 3]).examples.values()) == 100
    first, second = np.diff(attempts)
    assert first >= 0.2
    assert second >= 0.8


@pytest.mark.usefixtures("prefect_server")
@pytest.mark.parametrize(
    ("error", "times"), [(DownloadError("broke off"), 4), (InputError("no such set"), 1), (StorageError("full"), 1)]
)
def test_a_download_alone_is_tried_again_and_not_for_ever(
    error: Exception, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = []

    def fails(*_: Any, **__: Any) -> None:
        attempts.append(1)
        raise error

    monkeypatch.setattr(dataset_module, "open_source", fails)
    with pytest.raises(type(error), match=str(error)):
        in_a_flow([0, 0, 0])
    assert len(attempts) == times


def test_the_delays_of_a_download_grow_over_more_than_a_minute() -> None:
    assert prepare_dataset.retries == 3
    assert prepare_dataset.retry_delay_seconds == [5, 20, 60]

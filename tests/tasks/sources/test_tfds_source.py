"""Sets of tensorflow-datasets: the real MNIST where it is, and what is said where a set cannot be had."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import tensorflow as tf
import tensorflow_datasets as tfds
from tensorflow_datasets.core.dataset_builders.adhoc_builder import AdhocBuilder
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError

from served_model.fit import Fit
from served_model.resizing import resize
from tasks.data.prepared import PreparedDataset
from tasks.dataset import prepare_dataset
from tasks.foundation.errors import DownloadError, InputError
from tasks.sources import tfds_download, tfds_source
from tasks.sources.catalogue import open_source
from tasks.sources.images import Reading
from tasks.sources.tfds_source import tensorflow_dataset
from tests.support.log import own_messages


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    return tmp_path


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection can be made."""

    def refused(*_: Any, **__: Any) -> None:
        raise OSError("the network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


def prepare(name: str, **changes: Any) -> PreparedDataset:
    return prepare_dataset.fn(name, **{"image_size": 32, "validation_fraction": 0.1, "download": False, **changes})


def records(directory: str, split: str, count: int) -> list[tuple[np.ndarray, int]]:
    """Read images and labels from the file itself: length-prefixed records of tf.train.Example, with PNG inside."""
    found = []
    with Path(directory, "mnist", "3.0.1", f"mnist-{split}.tfrecord-00000-of-00001").open("rb") as file:
        for _ in range(count):
            (length,) = struct.unpack("<Q", file.read(12)[:8])
            example = tf.train.Example.FromString(file.read(length))
            file.read(4)
            feature = example.features.feature
            image = tf.io.decode_png(feature["image"].bytes_list.value[0]).numpy()
            found.append((image, feature["label"].int64_list.value[0]))
    return found


@pytest.mark.usefixtures("offline")
def test_mnist_is_prepared_whole_without_a_network(mnist_directory: str) -> None:
    prepared = prepare("mnist", data_dir=mnist_directory)
    assert prepared.examples == {"train": 54_001, "validation": 5_999, "test": 10_000}  # a tenth of each class, rounded
    assert prepared.classes == tuple("0123456789")
    images, labels = (np.load(prepared.directory / f"{name}.npy", mmap_mode="r") for name in ("images", "labels"))
    assert images.shape == (70_000, 32, 32, 1)
    # As published: http://yann.lecun.com/exdb/mnist, the digits of the training and of the test set.
    assert np.bincount(labels[:60_000]).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(labels[60_000:]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    np.testing.assert_array_equal(np.load(prepared.directory / "test.npy"), np.arange(60_000, 70_000))
    for start, split in ((0, "train"), (60_000, "test")):
        for index, (image, label) in enumerate(records(mnist_directory, split, 5)):
            np.testing.assert_array_equal(images[start + index], resize(image, 32))
            assert labels[start + index] == label


def test_a_limit_keeps_the_first_examples_of_each_split(mnist_directory: str) -> None:
    prepared = prepare("mnist", data_dir=mnist_directory, limit_examples=1500)
    assert prepared.examples == {"train": 1348, "validation": 152, "test": 1500}
    labels = np.load(prepared.directory / "labels.npy")
    for start, split in ((0, "train"), (1500, "test")):
        assert labels[start : start + 1500].tolist() == [label for _, label in records(mnist_directory, split, 1500)]


def test_one_file_is_read_as_tensorflow_datasets_reads_it(mnist_directory: str) -> None:
    read = tensorflow_dataset("mnist", data_dir=mnist_directory, download=False).blocks["test"](28)
    split = tfds.load("mnist", split="test", data_dir=mnist_directory, download=False, batch_size=-1)
    images, labels = (np.concatenate(part) for part in zip(*read, strict=True))
    np.testing.assert_array_equal(images, split["image"])
    np.testing.assert_array_equal(labels, split["label"])


def test_several_files_are_read_in_the_order_of_tensorflow_datasets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    label = tfds.features.ClassLabel(num_classes=2)
    monkeypatch.setattr(Pictures, "features", {"image": tfds.features.Image(shape=(20, 20, 3)), "label": label})
    monkeypatch.setattr(Pictures, "sides", (20,) * 40)
    dummy(tmp_path, monkeypatch, Pictures, num_shards=2)
    split = tfds.load("pictures", split="train", data_dir=tmp_path, download=False, batch_size=-1)
    ((images, _),) = tensorflow_dataset("pictures", data_dir=None, download=False).blocks["train"](20)
    np.testing.assert_array_equal(images, split["image"])
    assert images[:, 0, 0, 0].tolist() != sorted(images[:, 0, 0, 0].tolist())  # mixed


def test_a_file_with_too_few_examples_is_damaged(tmp_path: Path, mnist_directory: str) -> None:
    shutil.copytree(Path(mnist_directory, "mnist"), tmp_path / "mnist")
    (record,) = (tmp_path / "mnist" / "3.0.1").glob("mnist-test.tfrecord*")
    record.chmod(0o600)
    with record.open("r+b") as file:
        (length,) = struct.unpack("<Q", file.read(12)[:8])
        file.truncate(12 + length + 4)  # one whole record
    with pytest.raises(InputError, match=r"the test split of mnist/3\.0\.1 in .* is damaged"):
        prepare("mnist", data_dir=str(tmp_path), limit_examples=1000)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_damaged_file_is_told_with_its_folder(mnist_directory: str, tmp_path: Path, split: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(Path(mnist_directory, "mnist"), copy / "mnist")
    (record,) = (copy / "mnist" / "3.0.1").glob(f"mnist-{split}.tfrecord*")
    record.chmod(0o600)
    with record.open("r+b") as file:
        file.truncate(30_000)  # about a hundred examples
    with pytest.raises(InputError) as error:
        prepare("mnist", data_dir=str(copy), limit_examples=1000)
    assert f"the {split} split of mnist/3.0.1 in {str(copy / 'mnist' / '3.0.1')!r} is damaged" in str(error.value)
    assert "delete that folder" in str(error.value)
    assert [path for path in (tmp_path / "data").iterdir() if path.is_dir()] == []


def test_a_set_that_is_not_prepared_is_not_downloaded_unasked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'mnist' is not prepared in .* and download is false; allow the download"):
        prepare("mnist", data_dir=str(tmp_path / "nothing"))


@pytest.mark.usefixtures("offline")
def test_without_a_network_the_host_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"storage\.googleapis\.com cannot be reached .* use dataset digits"):
        prepare("mnist", data_dir=str(tmp_path / "nothing"), download=True)


def http(code: int) -> tfds.download.DownloadError:
    return tfds.download.DownloadError(f"Failed to get url https://example.org/x.zip. HTTP code: {code}.")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("no such back-end\nwith more lines"), r"\(RuntimeError: no such back-end\); try again"),
        (http(404), r"\(DownloadError: Failed to get url .* HTTP code: 404\.\); try again"),
        (http(403), "HTTP code: 403"),
        (NonMatchingChecksumError("another checksum"), "NonMatchingChecksumError: another"),
        (PermissionError("not yours"), "PermissionError: not yours"),
    ],
)
def test_a_download_that_fails_for_good_is_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    fails_to_download(monkeypatch, error)
    with pytest.raises(InputError, match=told):
        prepare("mnist", data_dir=str(tmp_path / "nothing"), download=True)


@pytest.mark.parametrize(
    "error",
    [
        *(http(code) for code in (500, 502, 503, 504, 408, 429)),
        requests.ConnectionError("reset by peer"),
        requests.exceptions.ChunkedEncodingError("half of it"),
        requests.Timeout("too slow"),
        ConnectionResetError("reset by peer"),
        TimeoutError("too slow"),
    ],
    ids=repr,
)
def test_a_download_that_breaks_off_may_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    fails_to_download(monkeypatch, error)
    with pytest.raises(DownloadError, match=rf"'mnist' broke off \({type(error).__name__}: .*\); try again"):
        prepare("mnist", data_dir=str(tmp_path / "nothing"), download=True)


def fails_to_download(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(tfds_download, "_require_network", lambda *_: None)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fails)


@pytest.mark.parametrize(("name", "meant"), [("minst", "mnist"), ("fashion_mnits", "fashion_mnist")])
def test_an_unknown_name_comes_with_a_suggestion(name: str, meant: str) -> None:
    with pytest.raises(
        InputError, match=rf"received '{name}'.* did you mean .*\b{meant}\b.*digits, folder:PATH, csv:FILE"
    ):
        prepare(name)


class Pictures(tfds.testing.DummyDataset):
    """Four examples of the given features, in the given split."""

    features: Any = None
    split = "train"
    sides = (20, 33, 40, 16)

    def _info(self) -> tfds.core.DatasetInfo:
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(self.features))

    def _split_generators(self, _: Any) -> Any:
        return {self.split: self._generate_examples()}

    def _generate_examples(self) -> Any:
        for index, side in enumerate(self.sides):
            yield index, {"image": np.full((side, side, 3), 40 * index % 256, np.uint8), "label": index % 2}


def dummy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, builder: type[Any], *, num_shards: int | None = None
) -> None:
    made = builder(data_dir=str(tmp_path))
    made.download_and_prepare(download_config=tfds.download.DownloadConfig(num_shards=num_shards))
    monkeypatch.setattr(tfds_source, "_builder", lambda *_: made)


def test_images_of_different_shapes_come_to_one_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    label = tfds.features.ClassLabel(names=["odd", "even"])
    monkeypatch.setattr(Pictures, "features", {"image": tfds.features.Image(shape=(None, None, 3)), "label": label})
    dummy(tmp_path, monkeypatch, Pictures)
    source = tensorflow_dataset("pictures", data_dir=None, download=False)
    assert (source.channels, source.classes, source.counts) == (3, ("odd", "even"), {"train": 4})
    ((images, labels),) = source.blocks["train"](16)
    assert images.shape == (4, 16, 16, 3)
    levels = images[:, 0, 0, 0]
    assert (images == levels[:, None, None, None]).all()
    assert sorted(levels.tolist()) == [0, 40, 80, 120]
    assert (labels == levels // 40 % 2).all()


def tiny(folder: Path, **changes: Any) -> str:
    """Write a set of 60 and 20 images that is read by its files alone, and return the ``data_dir`` where it lies."""
    made = {"dtype": np.uint8, "channels": 1, "top": 255, "labels": (0, 1), "test_labels": (0, 1), **changes}
    pixels = np.random.default_rng(0).random((80, 16, 16, made["channels"])) * made["top"]

    def examples(first: int, last: int, labels: tuple[int, int]) -> list[tuple[int, dict[str, Any]]]:
        images = pixels.astype(made["dtype"])
        return [(i, {"image": images[i], "label": labels[i % 2]}) for i in range(first, last)]

    image = tfds.features.Image(shape=(16, 16, made["channels"]), dtype=made["dtype"], encoding_format="png")
    AdhocBuilder(
        name="tiny",
        version="1.0.0",
        features=tfds.features.FeaturesDict(
            {"image": image, "label": tfds.features.ClassLabel(names=["left", "right"])}
        ),
        data_dir=folder,
        split_datasets={"train": examples(0, 60, made["labels"]), "test": examples(60, 80, made["test_labels"])},
    ).download_and_prepare()
    return str(folder)


def prepare_tiny(data_dir: str) -> PreparedDataset:
    return prepare("tiny", data_dir=data_dir, image_size=16)


def test_labels_exchanged_under_one_name_and_version_are_other_data(tmp_path: Path) -> None:
    first = prepare_tiny(tiny(tmp_path / "sets"))
    shutil.rmtree(tmp_path / "sets")
    second = prepare_tiny(tiny(tmp_path / "sets", labels=(1, 0)))
    assert (first.location, first.files["images.npy"]) == (second.location, second.files["images.npy"])
    assert first.digest != second.digest


def test_a_set_of_the_same_name_in_another_folder_is_its_own(tmp_path: Path) -> None:
    first, second = prepare_tiny(tiny(tmp_path / "one")), prepare_tiny(tiny(tmp_path / "two", labels=(1, 0)))
    assert first.digest != second.digest
    assert first.location == f"tensorflow-datasets tiny/1.0.0 in {tmp_path / 'one' / 'tiny' / '1.0.0'}"
    assert prepare_tiny(str(tmp_path / "one")) == first


def test_a_prepared_set_is_found_without_reading_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare_tiny(tiny(tmp_path / "sets"))
    monkeypatch.setattr(tfds, "builder", None)
    assert prepare_tiny(str(tmp_path / "sets")) == first


def test_examples_without_a_label_are_refused_with_their_number_and_split(tmp_path: Path) -> None:
    told = r"no label.* 2 classes \(0 to 1\), for 20 of 20 examples of the test split \(they have -1\); choose a set"
    with pytest.raises(InputError, match=told):
        prepare_tiny(tiny(tmp_path / "sets", test_labels=(-1, -1)))
    assert not [path for path in (tmp_path / "data").iterdir() if path.is_dir()]


@pytest.mark.parametrize(("dtype", "top"), [(np.uint16, 65535), (np.float32, 1.0)])
def test_images_of_other_types_keep_their_grey_levels(tmp_path: Path, dtype: Any, top: float) -> None:
    usual = np.load(prepare_tiny(tiny(tmp_path / "usual")).directory / "images.npy").astype(int)
    other = np.load(prepare_tiny(tiny(tmp_path / "other", dtype=dtype, top=top)).directory / "images.npy")
    assert other.dtype == np.uint8
    assert np.abs(other - usual).max() <= 1  # the usual ones were cut to whole numbers, not rounded
    assert len(np.unique(other)) > 250


def test_floats_that_are_no_shares_of_white_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"train split of 'tiny/1\.0\.0' have values from 0\.\d+ to 25\d"):
        prepare_tiny(tiny(tmp_path / "sets", dtype=np.float32))


def test_transparent_images_are_laid_on_white_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        prepared = prepare_tiny(tiny(tmp_path / "sets", channels=4))
    assert prepared.image_shape == (16, 16, 3)
    assert np.load(prepared.directory / "images.npy").mean() > 180  # of 127, half of which is white
    assert "What the images of tiny/1.0.0 let shine through is taken for white." in own_messages(caplog)


def named_otherwise(folder: Path, shape: tuple[int | None, int | None, int], *, supervised: bool = True) -> None:
    """Write a set of 30 and 20 images, 24 wide and 16 high, called picture, with a kind; and 10 more to validate on."""
    random = np.random.default_rng(0)

    def examples(count: int) -> list[tuple[int, dict[str, Any]]]:
        pixels = random.integers(0, 256, (count, 16, 24, 3), dtype=np.uint8)
        return [(i, {"id": i, "picture": pixels[i], "kind": i % 3}) for i in range(count)]

    AdhocBuilder(
        name="otherwise",
        version="1.0.0",
        features=tfds.features.FeaturesDict(
            {
                "id": tfds.features.Scalar(np.int64),
                "picture": tfds.features.Image(shape=shape, encoding_format="png"),
                "kind": tfds.features.ClassLabel(names=["1", "2", "10"]),
            }
        ),
        data_dir=folder,
        split_datasets={"train": examples(30), "validation": examples(10), "test": examples(20)},
    ).download_and_prepare()
    if supervised:  # which this kind of builder does not write
        file = folder / "otherwise" / "1.0.0" / "dataset_info.json"
        keys = {"tuple": {"items": [{"featureKey": "picture"}, {"featureKey": "kind"}]}}
        file.write_text(json.dumps({**json.loads(file.read_text()), "supervisedKeys": keys}))


@pytest.mark.parametrize("shape", [(16, 24, 3), (None, None, 3)])
def test_other_names_are_found_and_its_own_validation_split_is_used(
    tmp_path: Path, shape: tuple[int | None, int | None, int]
) -> None:
    named_otherwise(tmp_path, shape)
    source = tensorflow_dataset("otherwise", data_dir=str(tmp_path), download=False)
    assert source.classes == ("1", "2", "10")
    assert list(source.counts.items()) == [("train", 30), ("validation", 10), ("test", 20)]
    for split, count in source.counts.items():
        known = tfds.load("otherwise", split=split, data_dir=tmp_path, download=False)
        expected = [(resize(example["picture"], 16), example["kind"]) for example in tfds.as_numpy(known)]
        images, labels = (np.concatenate(part) for part in zip(*source.blocks[split](16), strict=True))
        assert len(images) == count
        np.testing.assert_array_equal(images, [image for image, _ in expected])
        np.testing.assert_array_equal(labels, [label for _, label in expected])


def test_a_set_without_supervised_keys_is_not_guessed_at(tmp_path: Path) -> None:
    named_otherwise(tmp_path, (16, 24, 3), supervised=False)
    with pytest.raises(InputError, match=r"no image-classification set \(its features are .*\)"):
        tensorflow_dataset("otherwise", data_dir=str(tmp_path), download=False)


def test_a_set_with_its_own_validation_split_is_other_data_than_without(tmp_path: Path) -> None:
    named_otherwise(tmp_path / "sets", (16, 24, 3))
    source = tensorflow_dataset("otherwise", data_dir=str(tmp_path / "sets"), download=False)
    assert source.identity().endswith(" with its validation split")
    tiny(tmp_path / "tiny")
    without = tensorflow_dataset("tiny", data_dir=str(tmp_path / "tiny"), download=False)
    assert "validation" not in without.identity()


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_images_that_are_not_square_fit_as_is_wanted(tmp_path: Path, fit: Fit) -> None:
    pictures = {}
    for name, shape in (("fixed", (16, 24, 3)), ("any", (None, None, 3))):
        named_otherwise(tmp_path / name, shape)
        source = tensorflow_dataset("otherwise", data_dir=str(tmp_path / name), download=False, fit=fit)
        pictures[name] = next(iter(source.blocks["test"](16)))[0]
    split = tfds.load("otherwise", split="test", data_dir=tmp_path / "fixed", download=False, batch_size=-1)
    whole = split["picture"].numpy()
    expected = {
        "stretch": whole,
        "crop": whole[:, :, 4:20],
        "pad": np.pad(whole, ((0, 0), (4, 4), (0, 0), (0, 0))),
    }[fit]
    np.testing.assert_array_equal(pictures["fixed"], resize(expected, 16))
    np.testing.assert_array_equal(pictures["any"], pictures["fixed"])


def test_some_classes_of_a_set_alone(tmp_path: Path) -> None:
    named_otherwise(tmp_path, (16, 24, 3))
    how = Reading(classes=("10", "1"))
    source = open_source("otherwise", data_dir=str(tmp_path), download=False, reading=how)
    assert source.classes == ("1", "10")
    every = tensorflow_dataset("otherwise", data_dir=str(tmp_path), download=False)
    images, labels = (np.concatenate(part) for part in zip(*every.blocks["train"](16), strict=True))
    ((some_images, some_labels),) = source.blocks["train"](16)
    np.testing.assert_array_equal(some_images, images[labels != 1])
    np.testing.assert_array_equal(some_labels, labels[labels != 1] // 2)
    with pytest.raises(InputError, match=r"no class '3'\. It has: 1, 2, 10"):
        open_source("otherwise", data_dir=str(tmp_path), download=False, reading=Reading(classes=("1", "3")))


def test_a_set_of_another_kind_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dummy(tmp_path, monkeypatch, tfds.testing.DummyDataset)
    with pytest.raises(InputError, match=r"no image-classification set \(its features are id\)"):
        tensorflow_dataset("dummy", data_dir=None, download=False)


def test_a_set_without_a_training_split_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    label = tfds.features.ClassLabel(num_classes=2)
    monkeypatch.setattr(Pictures, "features", {"image": tfds.features.Image(shape=(None, None, 3)), "label": label})
    monkeypatch.setattr(Pictures, "split", "calibration")
    dummy(tmp_path, monkeypatch, Pictures)
    with pytest.raises(InputError, match="no training split, only calibration"):
        tensorflow_dataset("pictures", data_dir=None, download=False)

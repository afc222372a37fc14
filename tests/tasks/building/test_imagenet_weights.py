"""The weights of ImageNet, from a file that is put where Keras keeps them: there is no network here."""

from __future__ import annotations

import hashlib
import urllib.error
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras.src.applications import mobilenet_v3
from keras.src.utils import file_utils

from models.applications import build_application
from tasks.building.imagenet_weights import with_imagenet_weights
from tasks.foundation.errors import DownloadError, InputError

FILE = "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"
PIXELS = {"pixel_mean": [1.0], "pixel_deviation": [1.0]}


def build(*, pretrained: bool = True, classes: int = 3) -> keras.Model:
    how: dict[str, Any] = {**PIXELS, "seed": 1, "pretrained": pretrained}
    return build_application("MobileNetV3Small", (32, 32, 1), classes, **how)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for weights, and no network."""
    monkeypatch.setenv("KERAS_WEIGHTS_HOME", str(tmp_path / "keras"))

    def no_network(*_: Any) -> None:
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(file_utils, "urlretrieve", no_network)
    return tmp_path / "keras" / "models"


@pytest.fixture
def weights(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Weights in a file there, which is the one that Keras names."""
    source = keras.applications.MobileNetV3Small(include_top=False, weights=None, input_shape=(224, 224, 3))
    folder.mkdir(parents=True)
    source.save(folder / FILE)  # in Keras' format of before, as its own files are
    digest = hashlib.md5((folder / FILE).read_bytes()).hexdigest()  # noqa: S324 - Keras' own
    monkeypatch.setitem(mobilenet_v3.WEIGHTS_HASHES, "small_224_1.0_float", ("", digest))
    return source.get_weights()


def test_all_but_the_head_has_the_weights_of_the_file(
    weights: list[np.ndarray], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = build(pretrained=False).get_layer("logits").get_weights()
    for download in (True, False):
        network, path = with_imagenet_weights(build, download=download)
        assert path == folder / FILE
        for mine, its in zip(network.get_layer("MobileNetV3Small").get_weights(), weights, strict=True):
            np.testing.assert_array_equal(mine, its)
        for mine, its in zip(network.get_layer("logits").get_weights(), drawn, strict=True):
            np.testing.assert_array_equal(mine, its)
        assert capsys.readouterr().out == ""


def test_a_file_that_is_not_there_is_told_with_where_to_get_it(folder: Path) -> None:
    told = (
        rf"weights: received imagenet, but '{folder / FILE}' is not there, and download is false; allow the download, "
        rf"or put the file from https://.*{FILE} there"
    )
    with pytest.raises(InputError, match=told):
        with_imagenet_weights(build, download=False)


def test_another_file_is_not_taken_for_it(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(b"something else")
    with pytest.raises(InputError, match=r"is not the file that Keras names \(digest [0-9a-f]{32}\), and download is"):
        with_imagenet_weights(build, download=False)
    assert (folder / FILE).read_bytes() == b"something else"


@pytest.mark.usefixtures("folder")
def test_a_download_that_fails_is_told_and_may_be_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DownloadError, match=r"the weights of ImageNet could not be downloaded .*; try again, or put"):
        with_imagenet_weights(build, download=True)
    assert capsys.readouterr().out == ""


def test_keras_asks_as_it_did_afterwards(folder: Path) -> None:
    before = file_utils.get_file
    with pytest.raises(InputError):
        with_imagenet_weights(partial(build, classes=4), download=False)
    assert file_utils.get_file is before
    assert not folder.exists()

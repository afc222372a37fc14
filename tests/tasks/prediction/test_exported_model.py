"""A model in a file of another runtime, which has to give the same answers."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.lenet import build_lenet
from served_model.classifier import Classifier
from served_model.description import ModelDescription
from tasks.foundation.errors import ExportError, InputError
from tasks.prediction import exported_model
from tasks.prediction.exported_model import (
    CHECKED,
    FORMATS,
    TOLERANCE,
    export_model,
    made_up_images,
    require_same,
    require_writable,
)
from tasks.prediction.fetched_model import FetchedModel

SHAPE = (16, 16, 1)
CLASSES = tuple("0123456789")
with_onnx = pytest.mark.skipif(
    not all(map(find_spec, FORMATS[".onnx"].packages)), reason="tf2onnx and onnxruntime are not installed"
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose logits tell images apart."""
    model = build_lenet(SHAPE, len(CLASSES), pixel_mean=[100.0], pixel_deviation=[70.0], seed=3)
    model.save(path := tmp_path_factory.mktemp("stored") / "model.keras")
    return path


@pytest.mark.parametrize(
    ("suffix", "estimates"),
    [(".tflite", "softmax"), (".tflite", "outputs"), pytest.param(".onnx", "softmax", marks=with_onnx)],
)
def test_an_export_gives_the_same_answers_for_any_number_of_images(
    stored: Path, tmp_path: Path, suffix: str, estimates: Any
) -> None:
    how = ModelDescription(CLASSES, SHAPE, "pad", estimates, dataset_digest="abc")
    classifier = Classifier(stored, how)
    target = tmp_path / f"digits{suffix}"
    (foreign := tmp_path / "digits.json").write_text("not asked for")
    difference = export_model(FetchedModel("a run", stored, how), classifier.probabilities, target)
    assert difference < TOLERANCE / 10
    answer = FORMATS[suffix].answer(target)
    for count in (1, 3, 100):
        images = np.random.default_rng(count).integers(0, 256, (count, *SHAPE), dtype=np.uint8)
        expected = classifier.predict(images)
        np.testing.assert_allclose(answer(images), expected.probabilities, rtol=0, atol=TOLERANCE / 10)
        np.testing.assert_array_equal(answer(images).argmax(axis=1), expected.predicted)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["digits.json", target.name, f"{target.name}.json"]
    )
    assert foreign.read_text() == "not asked for"
    said = json.loads((tmp_path / f"{target.name}.json").read_text())
    assert (said["run"], said["classes"], said["dataset_digest"]) == ("a run", list(CLASSES), "abc")
    assert (said["input"]["shape"], said["input"]["fit"]) == (["images", *SHAPE], "pad")
    assert ("probability" in said["output"]["values"]) is (estimates == "softmax")
    assert said["largest_difference"] == difference


def test_an_export_that_gives_other_answers_is_refused_and_not_kept(stored: Path, tmp_path: Path) -> None:
    how = ModelDescription(CLASSES, SHAPE)
    other = lambda images: np.full((len(images), len(CLASSES)), 0.1, np.float32)  # noqa: E731
    with pytest.raises(
        ExportError, match=r"other answers than the stored one: probabilities of 64 made-up images diff"
    ):
        export_model(FetchedModel("a run", stored, how), other, tmp_path / "digits.tflite")
    assert list(tmp_path.iterdir()) == []


def test_what_keras_cannot_export_is_told(stored: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise NotImplementedError("no such operation\nand a long trace")

    monkeypatch.setattr(keras.Model, "export", fails)
    fetched = FetchedModel("a run", stored, ModelDescription(CLASSES, SHAPE))
    told = "^Keras cannot export this model as litert: NotImplementedError: no such operation$"
    with pytest.raises(ExportError, match=told):
        export_model(fetched, lambda images: np.zeros((len(images), 10), np.float32), tmp_path / "digits.tflite")
    assert list(tmp_path.iterdir()) == []


def test_a_difference_is_held_against_the_size_of_what_differs() -> None:
    zeros = np.zeros((2, 3), np.float32)
    assert require_same(zeros, zeros + np.float32(TOLERANCE / 2)) == pytest.approx(TOLERANCE / 2)
    assert require_same(zeros + 1000, zeros + 1000 + np.float32(TOLERANCE * 500)) < TOLERANCE
    for wrong in (2 * TOLERANCE, np.nan):
        with pytest.raises(ExportError, match=r"at most 0\.0001 is allowed\. It was not kept"):
            require_same(zeros, zeros + np.float32(wrong))


def test_made_up_images_are_of_many_kinds_and_always_the_same() -> None:
    images = made_up_images((10, 12, 3), CHECKED)
    assert (images.shape, images.dtype) == ((CHECKED, 10, 12, 3), np.uint8)
    np.testing.assert_array_equal(images, made_up_images((10, 12, 3), CHECKED))
    assert len(np.unique(images, axis=0)) == CHECKED
    assert images.min() == 0
    assert images.max() == 255


def test_a_file_that_cannot_be_meant_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_writable(tmp_path / "model.TFLITE")
    with pytest.raises(
        InputError, match=r"file: received '.*model.h5'; allowed: a file that ends with .tflite or .onnx"
    ):
        require_writable(tmp_path / "model.h5")
    with pytest.raises(InputError, match=r"file: there is no folder '.*no' for 'model.tflite'"):
        require_writable(tmp_path / "no" / "model.tflite")
    monkeypatch.setattr(exported_model, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r".onnx needs tf2onnx and onnxruntime, which this environment lacks; install"):
        require_writable(tmp_path / "model.onnx")

"""A stored network says of images what an evaluation says of them, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.losses import make_loss
from models.steps import make_evaluate_step, score
from served_model.answers import answers
from served_model.classifier import Classifier
from served_model.description import ModelDescription
from served_model.picture_error import PictureError
from served_model.probabilities import as_probabilities
from tasks.data.blocks import open_split
from tasks.data.prepared import PreparedDataset

BYTES_EACH = 16 * 16


def description_of(prepared: PreparedDataset, **changes: Any) -> ModelDescription:
    return replace(ModelDescription(prepared.classes, prepared.image_shape), **changes)


@pytest.mark.parametrize("block", [60, 7])
def test_it_says_what_an_evaluation_says_in_the_same_blocks(
    prepared: PreparedDataset, make_compiled: Callable[..., Path], block: int
) -> None:
    path = make_compiled()
    model = keras.models.load_model(path)
    blocks = list(open_split(prepared, "test", block=block))
    assert len(blocks) == -(-60 // block)
    tested = score(make_evaluate_step(model), blocks, lambda logits: np.asarray(model.loss.probabilities(logits)))
    classifier = Classifier(path, description_of(prepared, block_bytes=block * BYTES_EACH))
    images = np.concatenate([images for images, _ in blocks])
    said = classifier.predict(images)
    np.testing.assert_array_equal(said.predicted, tested.predicted)
    np.testing.assert_array_equal(said.probabilities, tested.kept)
    assert (said.predicted.dtype, said.probabilities.dtype) == (np.int32, np.float32)
    one_by_one = np.concatenate([classifier.probabilities(image[None]) for image in images])
    np.testing.assert_allclose(one_by_one, said.probabilities, atol=1e-5)


def test_no_images_are_no_predictions(prepared: PreparedDataset, make_compiled: Callable[..., Path]) -> None:
    classifier = Classifier(make_compiled(), description_of(prepared))
    assert classifier.predict(np.zeros((0, 16, 16, 1), np.uint8)).probabilities.shape == (0, 10)
    assert answers(classifier, []) == []


@pytest.mark.parametrize(("loss", "estimates"), [("softmax_cross_entropy", "softmax"), ("mse", "outputs")])
def test_probabilities_are_those_of_the_loss_to_the_last_bit(loss: str, estimates: Any) -> None:
    logits = np.random.default_rng(0).normal(size=(50, 10), scale=5).astype(np.float32)
    expected = np.asarray(make_loss(loss).probabilities(logits))
    np.testing.assert_array_equal(as_probabilities(logits, estimates), expected)


def network(bias: list[float]) -> keras.Model:
    """A network whose outputs are the same whatever it is shown."""
    start = keras.initializers.Constant(bias)
    layers = [keras.layers.Flatten(), keras.layers.Dense(3, kernel_initializer="zeros", bias_initializer=start)]
    return keras.Sequential([keras.Input((16, 16, 1)), *layers])


def test_an_answer_has_the_class_of_the_largest_output_and_plain_numbers(tmp_path: Path) -> None:
    network([0.0, 1e-8, 2e-8]).save(path := tmp_path / "model.keras")
    classifier = Classifier(path, ModelDescription(("cat", "dog", "class"), (16, 16, 1)))
    (answer,) = answers(classifier, np.zeros((1, 16, 16), np.uint8))
    assert list(answer) == ["class", "probability", "probabilities"]
    assert len(set(answer["probabilities"].values())) == 1
    assert answer["class"] == "class"  # though its probability is no larger
    assert answer["probability"] == answer["probabilities"]["class"] == pytest.approx(1 / 3)
    assert (type(answer["probability"]), list(answer["probabilities"])) == (float, ["cat", "dog", "class"])


def test_outputs_that_are_no_numbers_are_told(tmp_path: Path) -> None:
    network([0.0, np.inf, 0.0]).save(path := tmp_path / "model.keras")
    classifier = Classifier(path, ModelDescription(("a", "b", "c"), (16, 16, 1)))
    with pytest.raises(PictureError, match="no finite numbers for picture 0"):
        answers(classifier, np.zeros((2, 16, 16), np.uint8))

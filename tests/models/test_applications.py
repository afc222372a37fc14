"""Keras' applications behind their own preprocessing: what they are given, and that a seed decides what is drawn."""

from __future__ import annotations

import importlib
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.applications import PREPROCESSING, _preprocessed, build_application

SMALL = "MobileNetV3Small"
IMAGES = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("uint8")


def small(**changes: Any) -> keras.Model:
    how = {"image_shape": (32, 32, 3), "num_classes": 5, "pixel_mean": [1.0] * 3, "pixel_deviation": [2.0] * 3}
    return build_application(**{"name": SMALL, "seed": 1, **how, **changes})


def published() -> set[str]:
    return {name for name in dir(keras.applications) if name[0].isupper()}


def test_there_is_one_for_each_of_keras_applications() -> None:
    assert set(PREPROCESSING) == published()


@pytest.mark.parametrize("name", sorted(PREPROCESSING))
def test_pixels_are_preprocessed_as_the_network_has_it(name: str, tmp_path: Path) -> None:
    module = importlib.import_module(getattr(keras.applications, name).__module__)
    pixels = keras.Input((32, 32, 3))
    model = keras.Model(pixels, _preprocessed(PREPROCESSING[name], pixels))
    expected = module.preprocess_input(IMAGES.astype("float32"))
    np.testing.assert_allclose(model(IMAGES), expected, rtol=1e-5, atol=1e-5)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(IMAGES), model(IMAGES))


def test_a_network_gives_logits_and_is_loaded_without_any_code_of_ours(tmp_path: Path) -> None:
    model = small()
    logits = model(IMAGES)
    assert logits.shape == (2, 5)
    assert model.input_shape == (None, 32, 32, 3)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(IMAGES), logits)
    config = zipfile.ZipFile(tmp_path / "model.keras").read("config.json").decode()
    assert "lenet_pipeline" not in config
    assert "Lambda" not in config


def test_the_seed_alone_decides_what_is_drawn() -> None:
    keras.utils.set_random_seed(1)
    one = small(seed=3)
    keras.utils.set_random_seed(2)
    same, other = small(seed=3), small(seed=4)
    for mine, its in zip(one.variables, same.variables, strict=True):
        np.testing.assert_array_equal(mine, its)
    kernels = [number for number, weight in enumerate(one.weights) if weight.name == "kernel"]
    assert len(kernels) > 50
    for number in kernels:
        assert not np.array_equal(one.weights[number], other.weights[number])


def test_grey_images_are_given_as_three_equal_channels() -> None:
    grey = small(image_shape=(32, 32, 1), pixel_mean=[1.0], pixel_deviation=[2.0])
    in_colour = small()
    for mine, its in zip(grey.weights, in_colour.weights, strict=True):
        np.testing.assert_array_equal(mine, its)
    np.testing.assert_allclose(grey(IMAGES[..., :1]), in_colour(np.repeat(IMAGES[..., :1], 3, axis=-1)), rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "MobileNetV3Smal"}, "unknown network of keras.applications .*; did you mean 'MobileNetV3Small'"),
        ({"image_shape": (31, 32, 3)}, "at least 32x32"),
        ({"image_shape": (32, 32, 4), "pixel_mean": [1.0] * 4, "pixel_deviation": [1.0] * 4}, "1 or 3 channels"),
        ({"num_classes": 1}, "at least 2 classes"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        small(**changes)

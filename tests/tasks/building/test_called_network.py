"""A person's function is called with what it takes, and its network gets what it lacks."""

from __future__ import annotations

import random
from typing import Any

import keras
import numpy as np
import pytest

from models.open_seeds import global_draws_from
from tasks.building.called_network import call_network
from tasks.foundation.errors import InputError

layers = keras.layers
SHAPE, CLASSES = (16, 16, 1), 3
PIXELS = {"pixel_mean": (30.0,), "pixel_deviation": (70.0,)}
IMAGES = np.random.default_rng(0).integers(0, 256, (2, *SHAPE)).astype("float32")


def call(function: Any, seed: int = 1) -> keras.Model:
    return call_network("mine.py:net", function, SHAPE, CLASSES, **PIXELS, seed=seed)


def plain(image_shape: Any, num_classes: int) -> keras.Model:
    """Knows nothing of pixels and seeds, and drops at random."""
    stack = [keras.Input(image_shape), layers.Flatten(), layers.Dropout(0.5), layers.Dense(num_classes, name="logits")]
    return keras.Sequential(stack, name="plain")


def seeded(image_shape: Any, num_classes: int, seed: int) -> keras.Model:
    kernel = keras.initializers.GlorotUniform(seed=seed)
    stack = [keras.Input(image_shape), layers.Flatten(), layers.Dense(num_classes, kernel_initializer=kernel)]
    return keras.Sequential(stack)


def whole(image_shape: Any, num_classes: int, *, pixel_mean: Any, pixel_deviation: Any, seed: int) -> keras.Model:
    assert (pixel_mean, pixel_deviation) == tuple(PIXELS.values())
    return seeded(image_shape, num_classes, seed)


def test_one_that_knows_nothing_of_pixels_has_the_normalisation_put_before_it() -> None:
    model = call(plain)
    normalised = (IMAGES - 30) / 70
    kernel, bias = model.get_layer("plain").get_layer("logits").get_weights()
    np.testing.assert_allclose(model(IMAGES), normalised.reshape(2, -1) @ kernel + bias, rtol=1e-4, atol=1e-4)
    assert model.input_shape == (None, *SHAPE)
    assert call(seeded).layers[1].name == "normalization"


def test_one_that_takes_all_is_given_all_and_nothing_is_put_before_it() -> None:
    model = call(whole)
    np.testing.assert_array_equal(model.get_weights()[0], seeded(SHAPE, CLASSES, 1).get_weights()[0])
    assert "normalization" not in [layer.name for layer in model.layers]


def with_numpy(image_shape: Any, num_classes: int) -> keras.Model:
    model = plain(image_shape, num_classes)
    model.set_weights([np.random.normal(size=weight.shape) for weight in model.get_weights()])  # noqa: NPY002
    return model


@pytest.mark.parametrize("function", [plain, seeded, whole, with_numpy])
def test_the_seed_alone_decides_weights_and_dropout(function: Any) -> None:
    random.seed(4)
    one = call(function)
    random.seed(5)
    same, other = call(function), call(function, seed=2)
    for mine, its in zip(one.variables, same.variables, strict=True):
        np.testing.assert_array_equal(mine, its)
    np.testing.assert_array_equal(one(IMAGES, training=True), same(IMAGES, training=True))
    assert not np.array_equal(one(IMAGES), other(IMAGES))


def test_draws_of_a_function_without_a_seed_leave_the_global_generators_as_they_were() -> None:
    def numbers() -> tuple[float, float]:
        return random.gauss(), float(np.random.random())  # noqa: NPY002 - the legacy state is the question

    def begin() -> None:
        random.seed(4)
        np.random.seed(4)  # noqa: NPY002

    begin()
    expected = numbers()
    begin()
    with global_draws_from(1):
        with_numpy(SHAPE, CLASSES)
    assert numbers() == expected


def drawing(image_shape: Any, num_classes: int, *, seed: int) -> keras.Model:
    assert seed
    return plain(image_shape, num_classes)


def failing(image_shape: Any, num_classes: int) -> keras.Model:
    raise RuntimeError(f"no such size {image_shape[0]} for {num_classes}")


def with_softmax(image_shape: Any, num_classes: int) -> keras.Model:
    return keras.Sequential([plain(image_shape, num_classes), layers.Softmax()])


def by_name_alone(*, image_shape: Any, num_classes: int) -> keras.Model:
    return plain(image_shape, num_classes)


def with_width(image_shape: Any, num_classes: int, width: int) -> keras.Model:
    assert width
    return plain(image_shape, num_classes)


def leaving(image_shape: Any, num_classes: int) -> keras.Model:
    raise SystemExit(f"{image_shape} {num_classes}")


def in_half_precision(image_shape: Any, num_classes: int) -> keras.Model:
    keras.mixed_precision.set_global_policy("mixed_float16")
    return plain(image_shape, num_classes)


CALLED = "cannot be called with an image shape and a number of classes"


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (by_name_alone, rf"{CALLED} \(too many positional arguments\); let it begin with `def net\(image_shape, num"),
        (with_width, rf"{CALLED} \(missing a required argument: 'width'\)"),
        (leaving, r"failed for images of 16x16 pixels .* SystemExit: \(16, 16, 1\) 3 \("),
        (
            in_half_precision,
            "changes Keras' settings .* the dtype policy from 'float32' to 'mixed_float16'; leave that",
        ),
        (drawing, r"model: 'mine.py:net' is no network for this: called twice with one seed it returns other weights"),
        (
            failing,
            (
                r"model: 'mine.py:net' failed for images of 16x16 pixels with 1 channels and 3 classes: RuntimeError: "
                r"no such size 16 for 3 \(.*test_called_network.py, line \d+\); give another image_size, or mend the "
                r"function"
            ),
        ),
        (with_softmax, r"it gives probabilities \(softmax at its end"),
    ],
)
def test_what_is_no_network_is_told(function: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        call(function)
    assert keras.config.dtype_policy().name == "float32"


class OwnLoss(keras.losses.Loss):
    """Would have to be there wherever the network is loaded."""


def compiled(image_shape: Any, num_classes: int) -> keras.Model:
    inner = plain(image_shape, num_classes)
    inner.compile("adam", OwnLoss(), metrics=["accuracy"])
    inner.optimizer.build(inner.trainable_variables)
    return inner


def test_a_network_that_was_compiled_is_taken_without_that() -> None:
    network = call(compiled)
    assert "OwnLoss" not in str(keras.saving.serialize_keras_object(network))

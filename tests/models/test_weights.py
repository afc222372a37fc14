"""Weights: two models are told equal or not, and a weight that is no number is found wherever it is."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from models.lenet import build_lenet
from models.weights import first_not_finite, weights_digest, weights_of


def lenet(seed: int = 3) -> keras.Model:
    return build_lenet((16, 16, 1), 3, pixel_mean=[110.0], pixel_deviation=[60.0], seed=seed)


def normalised() -> keras.Model:
    """A network whose moving mean and variance are weights that are not trained."""
    return keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(), keras.layers.Dense(2)])


def digest(model: keras.Model) -> str:
    return weights_digest(weights_of(model))


def change(weight: keras.Variable, value: float) -> None:
    """Set the last number in a weight."""
    values = np.array(weight)
    values.flat[-1] = value
    weight.assign(values)


def test_equal_weights_have_one_digest_whatever_keras_calls_them() -> None:
    first, second = normalised(), normalised()
    second.set_weights(first.get_weights())
    assert [path for path, _ in weights_of(first)] != [path for path, _ in weights_of(second)]
    assert digest(first) == digest(second)
    assert len(digest(first)) == 64
    assert digest(lenet()) == digest(lenet()) != digest(lenet(seed=4))


@pytest.mark.parametrize("number", range(4))  # gamma and beta; moving mean and variance
def test_a_bit_of_any_weight_changes_the_digest(number: int) -> None:
    model = normalised()
    before = digest(model)
    weight = model.weights[number]
    change(weight, float(np.nextafter(np.array(weight).flat[-1], np.float32(9))))
    assert digest(model) != before


def test_the_same_bytes_in_another_shape_are_other_weights() -> None:
    wide, long = (keras.Sequential([keras.Input((rows,)), keras.layers.Dense(6 // rows)]) for rows in (2, 3))
    for model in (wide, long):
        for weight in model.weights:
            weight.assign(np.zeros(weight.shape))
    assert digest(wide) != digest(long)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("number", range(6))
def test_what_is_no_number_is_found_in_every_weight(number: int, value: float) -> None:
    model = normalised()
    assert first_not_finite(weights_of(model)) == ""
    change(model.weights[number], value)
    assert first_not_finite(weights_of(model)) == f"the weight {model.weights[number].path} holds {value}"

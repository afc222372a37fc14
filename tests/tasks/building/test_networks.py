"""Networks by name, for prepared data."""

from __future__ import annotations

import numpy as np
import pytest

from models.lenet import build_lenet
from tasks.building.networks import NETWORKS, build_network, open_network
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError


@pytest.mark.parametrize("name", NETWORKS)
def test_ours_fit_the_data_and_are_a_function_of_the_seed(prepared: PreparedDataset, name: str) -> None:
    one, same, other = (build_network(name, prepared, seed) for seed in (1, 1, 2))
    assert one.input_shape == (None, *prepared.image_shape)
    assert one.output_shape == (None, len(prepared.classes))
    for mine, its in zip(one.weights, same.weights, strict=True):
        np.testing.assert_array_equal(mine, its)
    assert any(not np.array_equal(mine, its) for mine, its in zip(one.weights, other.weights, strict=True))


def test_one_of_keras_takes_the_grey_images_of_the_digits(prepared: PreparedDataset) -> None:
    larger = prepared.model_copy(update={"image_shape": (32, 32, 1)})
    model = build_network("keras:MobileNetV3Small", larger, 1)
    assert model.input_shape == (None, 32, 32, 1)
    assert model.output_shape == (None, 10)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("lennet", "unknown model 'lennet'; choose one of: lenet, resnet8; did you mean 'lenet'?"),
        ("keras:VGG61", "unknown network of keras.applications 'VGG61'; choose one of: ConvNeXtBase, .*VGG16"),
    ],
)
def test_an_unknown_name_is_told_with_the_choices(prepared: PreparedDataset, name: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        build_network(name, prepared, 1)


def test_an_image_that_a_network_does_not_take_is_told_with_what_to_do(prepared: PreparedDataset) -> None:
    told = (
        r"model: 'keras:MobileNetV3Small' cannot be built for images of 16x16 pixels with 1 channels and 10 classes: "
        r".*32x32.*; give another image_size, or choose another model"
    )
    with pytest.raises(InputError, match=told):
        build_network("keras:MobileNetV3Small", prepared, 1)


def test_what_is_opened_is_the_function_itself() -> None:
    assert open_network("lenet") is build_lenet

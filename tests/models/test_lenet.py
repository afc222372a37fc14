"""LeNet against published parameter counts, a NumPy normalisation and itself."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from models.lenet import build_lenet

MNIST = {"image_shape": (32, 32, 1), "num_classes": 10, "pixel_mean": [33.3], "pixel_deviation": [78.6]}
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 1)).astype("uint8")


def lenet(**changes: Any) -> keras.Model:
    return build_lenet(**{**MNIST, "seed": 1, **changes})


def test_parameters_of_each_layer_are_those_of_the_architecture() -> None:
    model = lenet()
    counts = {layer.name: layer.count_params() for layer in model.layers if layer.count_params()}
    assert counts == {
        "conv1": (5 * 5 * 1 + 1) * 6,
        "conv2": (5 * 5 * 6 + 1) * 16,
        "dense1": (5 * 5 * 16 + 1) * 120,
        "dense2": (120 + 1) * 84,
        "logits": (84 + 1) * 10,
    }
    assert model.count_params() == sum(weight.size for weight in model.get_weights()) == 61_706
    assert model.name == "lenet"
    names = " ".join(layer.name for layer in model.layers)
    assert names == "pixels normalization conv1 pool1 conv2 pool2 flatten dense1 dense2 logits"


@pytest.mark.parametrize(("shape", "flat"), [((16, 16, 1), 16), ((28, 28, 1), 256), ((32, 40, 3), 16 * 5 * 7)])
def test_other_shapes_give_logits_for_each_class(shape: tuple[int, int, int], flat: int) -> None:
    channels = shape[2]
    model = build_lenet(shape, 3, pixel_mean=[0] * channels, pixel_deviation=[1] * channels, seed=0)
    assert model.get_layer("flatten").output.shape == (None, flat)
    assert model(np.zeros((2, *shape))).shape == (2, 3)


def forward(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """LeNet by hand, in float64: what the layers say, without Keras."""
    weights = {variable.path: variable.numpy() for variable in model.variables}
    x = (images.astype(float) - MNIST["pixel_mean"]) / MNIST["pixel_deviation"]
    for name in ("conv1", "conv2"):
        windows = np.lib.stride_tricks.sliding_window_view(x, (5, 5), axis=(1, 2))
        x = np.einsum("bijcyx,yxco->bijo", windows, weights[f"{name}/kernel"]) + weights[f"{name}/bias"]
        batch, side, _, maps = x.shape
        x = np.maximum(x, 0).reshape(batch, side // 2, 2, side // 2, 2, maps).max(axis=(2, 4))
    x = x.reshape(len(x), -1)
    for name in ("dense1", "dense2", "logits"):
        x = x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]
        x = x if name == "logits" else np.maximum(x, 0)
    return x


def test_logits_are_those_of_a_forward_pass_by_hand() -> None:
    model = lenet()
    for variable in model.variables:  # biases start at 0, which would hide a missing one
        if variable.name == "bias":
            variable.assign(np.linspace(-0.5, 0.5, variable.shape[0]))
    logits = model(IMAGES)
    np.testing.assert_allclose(logits, forward(model, IMAGES), rtol=1e-4, atol=1e-4)
    assert np.min(logits) < 0  # not a softmax, not a ReLU


def test_normalisation_is_part_of_the_model_for_each_channel() -> None:
    mean, deviation = np.array([100.0, 120.0, 140.0]), np.array([50.0, 60.0, 70.0])
    model = lenet(image_shape=(16, 16, 3), pixel_mean=mean, pixel_deviation=deviation)
    images = np.random.default_rng(1).integers(0, 256, (2, 16, 16, 3))
    normalised = model.get_layer("normalization")(images.astype("float32"))
    np.testing.assert_allclose(normalised, (images - mean) / deviation, rtol=1e-5, atol=1e-6)


def test_a_channel_that_never_varied_is_only_centred() -> None:
    model = lenet(image_shape=(16, 16, 2), pixel_mean=[7, 100], pixel_deviation=[0.0, 50.0])
    images = np.full((1, 16, 16, 2), 9.0)
    normalised = np.asarray(model.get_layer("normalization")(images))
    np.testing.assert_allclose(normalised[0, 0, 0], [2.0, -1.82], rtol=1e-6)
    assert np.isfinite(model(images)).all()


def test_the_seed_alone_decides_the_weights() -> None:
    keras.utils.set_random_seed(5)
    first = lenet(seed=123).get_weights()
    keras.utils.set_random_seed(6)
    np.random.default_rng().random(3)
    second = lenet(seed=123).get_weights()
    other = lenet(seed=124).get_weights()
    for a, b, c in zip(first, second, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.ndim == 1 or (a == c).mean() < 0.01


def test_building_leaves_the_global_generators_alone() -> None:
    keras.utils.set_random_seed(5)
    expected = keras.random.uniform((3,)), np.random.random(3)  # noqa: NPY002 - the legacy state is the question
    keras.utils.set_random_seed(5)
    lenet()
    np.testing.assert_array_equal(keras.random.uniform((3,)), expected[0])
    np.testing.assert_array_equal(np.random.random(3), expected[1])  # noqa: NPY002


def test_kernels_fill_the_bounds_of_glorot_and_layers_share_no_numbers() -> None:
    model = lenet()
    kernels = [variable.numpy() for variable in model.variables if variable.name == "kernel"]
    for kernel in kernels:
        receptive = int(np.prod(kernel.shape[:-2]))
        bound = np.sqrt(6 / (receptive * (kernel.shape[-2] + kernel.shape[-1])))  # Glorot, Bengio (2010), eq. 16
        assert 0.95 * bound < np.abs(kernel).max() <= bound * (1 + 1e-6)  # the kernels are float32
        assert abs(kernel.mean()) < 4 * bound / np.sqrt(3 * kernel.size)
        assert kernel.std() == pytest.approx(bound / np.sqrt(3), rel=0.1)
    unit = [np.sign(kernel.ravel()[:100]) for kernel in kernels]
    assert all((a != b).any() for i, a in enumerate(unit) for b in unit[:i])
    assert not any(variable.numpy().any() for variable in model.variables if variable.name == "bias")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_shape": (15, 32, 1)}, "at least 16x16 pixels and one channel; received 15x32 pixels"),
        ({"image_shape": (32, 15, 1)}, "at least 16x16 pixels and one channel; received 32x15 pixels"),
        ({"image_shape": (32, 32, 0)}, "received 32x32 pixels, channels=0"),
        ({"image_shape": (32, 32)}, r"must be \(height, width, channels\); received \(32, 32\)"),
        ({"num_classes": 1}, "at least 2 classes; received num_classes=1"),
        (
            {"pixel_mean": [1.0, 2.0]},
            r"pixel_mean must be finite, .* each channel \(1\); received \[1.0, 2.0\]",
        ),
        ({"pixel_deviation": []}, "pixel_deviation must be finite, one number for each channel"),
        ({"pixel_deviation": [-1.0]}, r"must not be negative; received \[-1.0\]"),
        ({"pixel_mean": [float("nan")]}, r"pixel_mean must be finite.*received \[nan\]"),
        ({"seed": -1}, "non-negative"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        lenet(**changes)

"""ResNet-8 against its published parameter count, a forward pass in NumPy and itself."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from models.resnet8 import build_resnet8

CIFAR = {"image_shape": (32, 32, 3), "num_classes": 10, "pixel_mean": [125.3, 123.0, 113.9]}
CIFAR |= {"pixel_deviation": [63.0, 62.1, 66.7]}
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype("uint8")


def resnet8(**changes: Any) -> keras.Model:
    return build_resnet8(**{**CIFAR, "seed": 1, **changes})


def test_its_parameters_are_as_many_as_those_of_mlperf_tiny() -> None:
    model = resnet8()
    assert model.count_params() == 78_666
    assert sum(variable.shape.num_elements() for variable in model.trainable_variables) == 78_666 - 480
    counts = {layer.name: layer.count_params() for layer in model.layers if isinstance(layer, keras.layers.Conv2D)}
    assert counts == {
        "stem": (3 * 3 * 3 + 1) * 16,
        **dict.fromkeys(("stack1_1", "stack1_2"), (3 * 3 * 16 + 1) * 16),
        "stack2_1": (3 * 3 * 16 + 1) * 32,
        "stack2_2": (3 * 3 * 32 + 1) * 32,
        "stack2_shortcut": (16 + 1) * 32,
        "stack3_1": (3 * 3 * 32 + 1) * 64,
        "stack3_2": (3 * 3 * 64 + 1) * 64,
        "stack3_shortcut": (32 + 1) * 64,
    }
    assert not any(layer.kernel_regularizer for layer in model.layers if hasattr(layer, "kernel_regularizer"))


@pytest.mark.parametrize("shape", [(16, 16, 1), (33, 20, 3), (4, 4, 3)])
def test_other_shapes_give_logits_for_each_class(shape: tuple[int, int, int]) -> None:
    model = build_resnet8(shape, 3, pixel_mean=[0] * shape[2], pixel_deviation=[1] * shape[2], seed=0)
    assert model(np.zeros((2, *shape))).shape == (2, 3)


def convolved(x: np.ndarray, weights: dict[str, np.ndarray], name: str, stride: int) -> np.ndarray:
    """A convolution that keeps the sides, or halves them: TensorFlow pads below and to the right first."""
    kernel = weights[f"{name}/kernel"]
    size = kernel.shape[0]
    pads = []
    for side in x.shape[1:3]:
        missing = max((-(-side // stride) - 1) * stride + size - side, 0)
        pads.append((missing // 2, missing - missing // 2))
    padded = np.pad(x, ((0, 0), *pads, (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    return np.einsum("bijcyx,yxco->bijo", windows, kernel) + weights[f"{name}/bias"]


def normalised(x: np.ndarray, weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    mean, variance = weights[f"{name}_norm/moving_mean"], weights[f"{name}_norm/moving_variance"]
    scaled = (x - mean) / np.sqrt(variance + 1e-3)
    return scaled * weights[f"{name}_norm/gamma"] + weights[f"{name}_norm/beta"]


def forward(weights: dict[str, np.ndarray], images: np.ndarray) -> np.ndarray:
    x = (images.astype(float) - CIFAR["pixel_mean"]) / CIFAR["pixel_deviation"]
    x = np.maximum(normalised(convolved(x, weights, "stem", 1), weights, "stem"), 0)
    for number, stride in ((1, 1), (2, 2), (3, 2)):
        name = f"stack{number}"
        y = np.maximum(normalised(convolved(x, weights, f"{name}_1", stride), weights, f"{name}_1"), 0)
        y = normalised(convolved(y, weights, f"{name}_2", 1), weights, f"{name}_2")
        x = convolved(x, weights, f"{name}_shortcut", 2) if stride == 2 else x
        x = np.maximum(x + y, 0)
    return x.mean(axis=(1, 2)) @ weights["logits/kernel"] + weights["logits/bias"]


def test_logits_are_those_of_a_forward_pass_by_hand() -> None:
    model, random = resnet8(), np.random.default_rng(1)
    for variable in model.variables:  # what starts at 0 or 1 would hide what is missing
        if variable.name != "kernel":
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
    weights = {variable.path: variable.numpy().astype(float) for variable in model.variables}
    logits = model(IMAGES)
    np.testing.assert_allclose(logits, forward(weights, IMAGES), rtol=1e-3, atol=1e-3)
    assert np.min(logits) < 0 or np.abs(np.sum(logits, axis=1) - 1).max() > 0.1  # no softmax


def test_the_seed_alone_decides_the_weights_and_the_global_generators_are_left_alone() -> None:
    keras.utils.set_random_seed(5)
    first = resnet8(seed=123).get_weights()
    after = keras.random.uniform((3,))
    keras.utils.set_random_seed(5)
    np.testing.assert_array_equal(keras.random.uniform((3,)), after)
    second, other = resnet8(seed=123).get_weights(), resnet8(seed=124).get_weights()
    for a, b, c in zip(first, second, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.ndim == 1 or (a == c).mean() < 0.01


def test_kernels_are_drawn_as_he_et_al_have_it_and_layers_share_no_numbers() -> None:
    kernels = [variable.numpy() for variable in resnet8().variables if variable.name == "kernel"]
    assert len(kernels) == 10
    for kernel in kernels:
        deviation = np.sqrt(2 / np.prod(kernel.shape[:-1]))
        assert kernel.std() == pytest.approx(deviation, rel=0.15)
        assert np.abs(kernel).max() < 2.3 * deviation  # Keras cuts the normal off at two deviations, and widens it
    signs = [np.sign(kernel.ravel()[:100]) for kernel in kernels]
    assert all((a != b).any() for i, a in enumerate(signs) for b in signs[:i])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_shape": (3, 32, 3)}, "at least 4x4 pixels and one channel; received 3x32 pixels"),
        ({"num_classes": 1}, "at least 2 classes; received num_classes=1"),
        ({"pixel_mean": [1.0]}, r"pixel_mean must be finite, .* each channel \(3\); received \[1.0\]"),
        ({"seed": -1}, "non-negative"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resnet8(**changes)

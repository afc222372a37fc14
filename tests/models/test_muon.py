"""Muon against its authors' algorithm, written out in NumPy in the shapes that they use: outputs first."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.optimizers.schedules import ExponentialDecay

from models.lenet import build_lenet
from models.muon import orthogonal
from models.optimizers import make_optimizer, share_moved

STEPS = 4
random = np.random.default_rng(3)
# As an image goes through them: the first and the last kernel, biases and gains are under AdamW.
SHAPES = {
    "first/kernel": (3, 3, 1, 4),
    "first/bias": (4,),
    "depthwise/kernel": (3, 3, 4, 1),
    "normal/gamma": (4,),
    "second/kernel": (3, 2, 4, 5),
    "second/bias": (5,),
    "dense/kernel": (20, 6),
    "logits/kernel": (6, 3),
    "logits/bias": (3,),
}
HIDDEN = ("depthwise/kernel", "second/kernel", "dense/kernel")
START = {name: random.normal(size=shape) for name, shape in SHAPES.items()}
GRADIENTS = [{name: random.normal(size=shape) for name, shape in SHAPES.items()} for _ in range(STEPS)]


def newton_schulz(g: np.ndarray, steps: int) -> np.ndarray:
    """Jordan et al. (2024): of a matrix of outputs by inputs."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g / (np.sqrt(np.sum(g**2)) + 1e-7)
    if len(x) > len(x.T):
        return newton_schulz(g.T, steps).T
    for _ in range(steps):
        outer = x @ x.T
        x = a * x + (b * outer + c * outer @ outer) @ x
    return x


def as_the_authors_have_it(name: str, kernel: np.ndarray) -> np.ndarray:
    """Return a kernel of Keras as a matrix of outputs by all else: (out, in), or (out, in, height, width) flattened."""
    if kernel.ndim == 2:
        return kernel.T
    in_their_order = (2, 3, 0, 1) if name.startswith("depthwise") else (3, 2, 0, 1)
    turned = kernel.transpose(in_their_order)
    return turned.reshape(len(turned), -1)


def back(name: str, matrix: np.ndarray) -> np.ndarray:
    height_width_in_out = SHAPES[name]
    if len(height_width_in_out) == 2:
        return matrix.T
    height, width, inputs, outputs = height_width_in_out
    if name.startswith("depthwise"):
        return matrix.reshape(inputs, outputs, height, width).transpose(2, 3, 0, 1)
    return matrix.reshape(outputs, inputs, height, width).transpose(2, 3, 1, 0)


def muon_by_hand(
    name: str, rates: list[float], decay: float, *, momentum: float = 0.95, nesterov: bool = True, ns_steps: int = 5
) -> np.ndarray:
    w = as_the_authors_have_it(name, START[name])
    buffer = np.zeros_like(w)
    for gradients, rate in zip(GRADIENTS, rates, strict=True):
        g = as_the_authors_have_it(name, gradients[name])
        buffer = momentum * buffer + (1 - momentum) * g
        update = (1 - momentum) * g + momentum * buffer if nesterov else buffer
        update = newton_schulz(update, ns_steps) * 0.2 * np.sqrt(max(w.shape))  # Liu et al. (2025), equation 4
        w = w * (1 - rate * decay) - rate * update
    return back(name, w)


def adamw_by_hand(name: str, rates: list[float], decay: float, *, beta_1: float, beta_2: float, epsilon: float) -> Any:
    w, decay = START[name], 0.0 if name.endswith(("bias", "gamma")) else decay
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t, (gradients, rate) in enumerate(zip(GRADIENTS, rates, strict=True), start=1):
        g = gradients[name]
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
        step_size = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w = w * (1 - rate * decay) - step_size * m / (np.sqrt(v) + epsilon)
    return w


def variables() -> list[keras.Variable]:
    return [keras.Variable(START[name], name=name.split("/")[1], dtype="float32") for name in SHAPES]


@pytest.mark.parametrize("own", [{}, {"momentum": 0.5, "nesterov": False, "ns_steps": 3}])
@pytest.mark.parametrize("of_adamw", [{}, {"beta_1": 0.7, "beta_2": 0.8, "epsilon": 0.01}])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("scheduled", [False, True])
def test_steps_are_those_of_the_authors(
    own: dict[str, Any], of_adamw: dict[str, float], weight_decay: float, *, scheduled: bool
) -> None:
    rate = ExponentialDecay(0.1, decay_steps=1, decay_rate=0.5) if scheduled else 0.1
    optimizer = make_optimizer("muon", learning_rate=rate, weight_decay=weight_decay, **own, **of_adamw)
    weights = variables()
    for gradients in GRADIENTS:
        optimizer.apply([tf.constant(gradients[name], tf.float32) for name in SHAPES], weights)
    rates = [0.1 * (0.5 if scheduled else 1) ** step for step in range(STEPS)]
    for name, weight in zip(SHAPES, weights, strict=True):
        if name in HIDDEN:
            expected = muon_by_hand(name, rates, weight_decay, **own)
        else:
            adamw = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, **of_adamw}
            expected = adamw_by_hand(name, rates, weight_decay, **adamw)
        np.testing.assert_allclose(weight, expected, rtol=1e-4, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("shape", [(12, 5), (5, 12), (3, 3, 2, 8), (3, 3, 8, 1)])
def test_all_directions_are_learned_alike(shape: tuple[int, ...]) -> None:
    step = random.normal(size=shape)
    made = np.array(orthogonal(tf.constant(step, tf.float32), 5), dtype=float)
    matrix = made.reshape(-1, shape[-1] if shape[-1] > 1 else shape[-2])
    values = np.linalg.svd(matrix, compute_uv=False) / (0.2 * np.sqrt(max(matrix.shape)))
    assert values.min() > 0.5
    assert values.max() < 1.25


def test_a_step_is_about_as_large_as_one_of_adamw() -> None:
    made = np.array(orthogonal(tf.constant(random.normal(size=(64, 48)), tf.float32), 5))
    assert np.sqrt(np.mean(made**2)) == pytest.approx(0.2, rel=0.2)


def test_a_gradient_of_nothing_moves_nothing() -> None:
    weights = variables()
    optimizer = make_optimizer("muon", learning_rate=0.1)
    optimizer.apply([tf.zeros(shape) for shape in SHAPES.values()], weights)
    for name, weight in zip(SHAPES, weights, strict=True):
        np.testing.assert_array_equal(weight, START[name].astype(np.float32))


def test_the_share_that_it_moves_is_told() -> None:
    model = build_lenet((32, 32, 1), 10, pixel_mean=[0.0], pixel_deviation=[1.0], seed=1)
    muon, adamw = (make_optimizer(name, learning_rate=0.1) for name in ("muon", "adamw"))
    for optimizer in (muon, adamw):
        optimizer.build(model.trainable_variables)
    assert share_moved(muon) == (5 * 5 * 6 * 16 + 400 * 120 + 120 * 84) / 61_706  # conv2, dense1, dense2
    assert share_moved(adamw) == 1


def test_where_there_is_nothing_between_the_first_kernel_and_the_last_adamw_moves_all() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5), keras.layers.Dense(3)])
    optimizer = make_optimizer("muon", learning_rate=0.1)
    optimizer.build(model.trainable_variables)
    assert share_moved(optimizer) == 0


def test_it_moves_what_keras_own_of_that_name_leaves_to_adamw() -> None:
    weights = variables()
    keras_own = keras.optimizers.Muon()
    left = [name for name, weight in zip(SHAPES, weights, strict=True) if keras_own._should_use_adamw(weight)]
    assert {"depthwise/kernel", "second/kernel"} <= set(left)

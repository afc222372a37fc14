"""Each update rule against the papers, written out in NumPy and float64; weight decay; names and bounds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.optimizers.schedules import ExponentialDecay

from models.optimizers import OPTIMIZERS, hyperparameters, make_optimizer

STEPS = 5
random = np.random.default_rng(11)
START = random.normal(size=(2, 4, 3))  # a kernel and, of the same shape for brevity, a bias
GRADIENTS = random.normal(size=(STEPS, 2, 4, 3))

Rule = Callable[[np.ndarray, np.ndarray, int, dict[str, Any], float], np.ndarray]


# w, g, t (from 1), state, learning rate -> w. The state starts empty.


def sgd(w: np.ndarray, g: np.ndarray, _t: int, _state: dict[str, Any], rate: float) -> np.ndarray:
    return w - rate * g


def momentum(share: float, *, nesterov: bool = False) -> Rule:
    """Sutskever et al. (2013), equations 1 to 4; Nesterov's in the form of Bengio et al. (2013)."""

    def step(w: np.ndarray, g: np.ndarray, _t: int, state: dict[str, Any], rate: float) -> np.ndarray:
        state["v"] = share * state.get("v", 0) - rate * g
        return w + (share * state["v"] - rate * g if nesterov else state["v"])

    return step


def rmsprop(share: float) -> Rule:
    """Tieleman, Hinton (2012), lecture 6.5, with the momentum of Graves (2013), uncentred."""

    def step(w: np.ndarray, g: np.ndarray, _t: int, state: dict[str, Any], rate: float) -> np.ndarray:
        state["n"] = 0.9 * state.get("n", 0) + 0.1 * g**2
        state["v"] = share * state.get("v", 0) - rate * g / np.sqrt(state["n"] + 1e-7)
        return w + state["v"]

    return step


def adam(w: np.ndarray, g: np.ndarray, t: int, state: dict[str, Any], rate: float) -> np.ndarray:
    """Kingma, Ba (2015), algorithm 1 in the order of section 2's last paragraph."""
    state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
    state["v"] = 0.999 * state.get("v", 0) + 0.001 * g**2
    rate *= np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return w - rate * state["m"] / (np.sqrt(state["v"]) + 1e-7)


def nadam(w: np.ndarray, g: np.ndarray, t: int, state: dict[str, Any], rate: float) -> np.ndarray:
    """Dozat (2016), algorithm 2, with Keras' schedule of mu."""
    mu, mu_next = (0.9 * (1 - 0.5 * 0.96**s) for s in (t, t + 1))
    state["product"] = state.get("product", 1) * mu
    state["m"] = 0.9 * state.get("m", 0) + 0.1 * g
    state["n"] = 0.999 * state.get("n", 0) + 0.001 * g**2
    m = mu_next * state["m"] / (1 - state["product"] * mu_next) + (1 - mu) * g / (1 - state["product"])
    return w - rate * m / (np.sqrt(state["n"] / (1 - 0.999**t)) + 1e-7)


def adagrad(w: np.ndarray, g: np.ndarray, _t: int, state: dict[str, Any], rate: float) -> np.ndarray:
    """Duchi, Hazan, Singer (2011), figure 1, diagonal."""
    state["sum"] = state.get("sum", 0.1) + g**2
    return w - rate * g / np.sqrt(state["sum"] + 1e-7)


def lion(w: np.ndarray, g: np.ndarray, _t: int, state: dict[str, Any], rate: float) -> np.ndarray:
    """Chen et al. (2023), program 1."""
    m = state.get("m", 0)
    state["m"] = 0.99 * m + 0.01 * g
    return w - rate * np.sign(0.9 * m + 0.1 * g)


RULES: list[tuple[str, dict[str, float | bool], Rule]] = [
    ("sgd", {}, sgd),
    ("momentum", {}, momentum(0.9)),
    ("momentum", {"momentum": 0.5}, momentum(0.5)),
    ("momentum", {"nesterov": True}, momentum(0.9, nesterov=True)),
    ("momentum", {"momentum": 0}, sgd),
    ("rmsprop", {}, rmsprop(0.0)),
    ("rmsprop", {"momentum": 0.8}, rmsprop(0.8)),
    ("adam", {}, adam),
    ("adamw", {}, adam),
    ("nadam", {}, nadam),
    ("adagrad", {}, adagrad),
    ("lion", {}, lion),
]


def variables() -> list[keras.Variable]:
    return [keras.Variable(start, name=name) for start, name in zip(START, ("kernel", "bias"), strict=True)]


def by_hand(rule: Rule, weight_decay: float, rates: Iterator[float]) -> np.ndarray:
    w, state = START.copy(), {}
    for step, (g, rate) in enumerate(zip(GRADIENTS, rates, strict=False), start=1):
        decayed = w - np.stack([w[0] * weight_decay * rate, np.zeros_like(w[1])])
        w = rule(decayed, g, step, state, rate)
    return w


@pytest.mark.parametrize(("name", "given", "rule"), RULES)
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("scheduled", [False, True])
def test_steps_are_those_of_the_paper(
    name: str, given: dict[str, float | bool], rule: Rule, weight_decay: float, *, scheduled: bool
) -> None:
    rate = ExponentialDecay(0.1, decay_steps=1, decay_rate=0.5) if scheduled else 0.1
    optimizer = make_optimizer(name, learning_rate=rate, weight_decay=weight_decay, **given)
    weights = variables()
    for gradients in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(g, dtype="float32") for g in gradients], weights)
    expected = by_hand(rule, weight_decay, iter([0.1 * (0.5 if scheduled else 1) ** step for step in range(STEPS)]))
    np.testing.assert_allclose(np.stack(weights), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_bit_differs_from_what_keras_itself_makes(name: str) -> None:
    ours = make_optimizer(name, learning_rate=ExponentialDecay(0.1, decay_steps=3, decay_rate=0.5))
    kind = next(kind for kind in type(ours).__mro__ if kind.__module__.startswith("keras."))
    kept, weights = [], []
    for optimizer in (ours, kind.from_config(ours.get_config())):
        weights = [keras.Variable(start, dtype="float32") for start in START]
        optimizer.build(weights)
        step = tf.function(optimizer.apply)
        for gradients in GRADIENTS:
            step([tf.constant(g, tf.float32) for g in gradients])
        kept.append(np.stack(weights))
    np.testing.assert_array_equal(*kept)
    assert not np.array_equal(kept[0], START.astype(np.float32))


def test_every_optimizer_is_checked_above() -> None:
    assert {name for name, _, _ in RULES} == set(OPTIMIZERS)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_alone_shrinks_kernels_and_nothing_else(name: str) -> None:
    # "unbiased": Keras' own exclusion by name looks at whole paths, and would spare this layer's kernel too.
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="unbiased", bias_initializer="ones")])
    optimizer = make_optimizer(name, learning_rate=0.1, weight_decay=0.2)
    kernel, bias = (variable.numpy() for variable in model.trainable_variables)
    optimizer.apply([keras.ops.zeros_like(v) for v in model.trainable_variables], model.trainable_variables)
    np.testing.assert_allclose(model.trainable_variables[0], kernel * (1 - 0.2 * 0.1), rtol=1e-6)
    np.testing.assert_array_equal(model.trainable_variables[1], bias)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("none", [0, 0.0])
def test_no_weight_decay_costs_nothing(name: str, none: float) -> None:
    optimizer = make_optimizer(name, learning_rate=0.1, weight_decay=none)
    assert optimizer.weight_decay is None
    assert type(optimizer).from_config(optimizer.get_config()).weight_decay is None


@pytest.mark.parametrize(("name", "given", "_rule"), RULES)
def test_an_optimizer_comes_back_from_its_config(name: str, given: dict[str, Any], _rule: Rule) -> None:
    rate = ExponentialDecay(0.1, decay_steps=7, decay_rate=0.5)
    optimizer = make_optimizer(name, learning_rate=rate, weight_decay=0.1, **given)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_same_call_gives_the_same_optimizer(name: str) -> None:
    first, second = (make_optimizer(name, learning_rate=1) for _ in range(2))
    assert first.get_config() == second.get_config()
    assert first.name == name
    assert isinstance(first, keras.optimizers.Optimizer)


def test_hyperparameters_and_their_defaults() -> None:
    assert {name: hyperparameters(name) for name in OPTIMIZERS if hyperparameters(name)} == {
        "momentum": {"momentum": 0.9, "nesterov": False},
        "rmsprop": {"momentum": 0.0},
    }
    hyperparameters("momentum")["momentum"] = 0.1
    assert hyperparameters("momentum")["momentum"] == 0.9
    for name in OPTIMIZERS:
        optimizer = make_optimizer(name, learning_rate=0.1)
        assert all(getattr(optimizer, own) == value for own, value in hyperparameters(name).items())


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("adm", {}, "unknown optimizer 'adm'; choose one of: adagrad, adam, .*; did you mean 'adam'?"),
        (
            "adam",
            {"momentum": 0.9},
            "'adam' has no hyperparameter 'momentum'; those with one: momentum, rmsprop$",
        ),
        (
            "sgd",
            {"momentum": 0.9},
            "'sgd' has no hyperparameter 'momentum'; those with one: momentum, rmsprop$",
        ),
        (
            "rmsprop",
            {"nesterov": True},
            "'rmsprop' has no hyperparameter 'nesterov'; those with one: momentum$",
        ),
        ("adam", {"gamma": 0.9}, "'adam' has no hyperparameter 'gamma'; those with one: none$"),
        ("sgd", {"learning_rate": 0.0}, "learning_rate must be positive and finite; received 0.0"),
        ("sgd", {"learning_rate": float("inf")}, "learning_rate must be positive and finite; received inf"),
        ("sgd", {"weight_decay": -0.1}, "weight_decay must be finite and not negative; received -0.1"),
        ("sgd", {"weight_decay": float("nan")}, "weight_decay must be finite and not negative; received nan"),
        ("momentum", {"momentum": 1.0}, "momentum must be at least 0 and less than 1; received 1.0"),
        ("rmsprop", {"momentum": -0.1}, "momentum must be at least 0 and less than 1; received -0.1"),
        (
            "momentum",
            {"momentum": 0.0, "nesterov": True},
            "nesterov needs a momentum greater than 0; received 0.0",
        ),
    ],
)
def test_what_makes_no_optimizer_is_refused_with_the_reason(name: str, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_optimizer(name, **{"learning_rate": 0.1, **given})


def test_hyperparameters_of_an_unknown_optimizer() -> None:
    with pytest.raises(ValueError, match=r"unknown optimizer 'sdg'; .*did you mean 'sgd'"):
        hyperparameters("sdg")

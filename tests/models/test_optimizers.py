"""Each update rule against the papers, written out in NumPy and float64; weight decay; names and bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.optimizers.schedules import ExponentialDecay

from models.optimizers import OPTIMIZERS, hyperparameters, make_optimizer
from models.update_rules import Ftrl
from tests.support.unusual_hyperparameters import unusual

STEPS = 5
random = np.random.default_rng(11)
SHAPES = {"kernel": (4, 3), "filters": (2, 3, 2, 4), "bias": (3,)}
START = [random.normal(size=shape) for shape in SHAPES.values()]
GRADIENTS = [[random.normal(size=shape) for shape in SHAPES.values()] for _ in range(STEPS)]
SMALLEST = 1e-7
NOT_OF_KERAS = {"adafactor", "ftrl", "muon", "schedule_free_adamw"}  # what Keras has of that name does something else

# w, g, t (from 1), state, learning rate -> w, for one variable. The state starts empty.
Rule = Callable[[np.ndarray, np.ndarray, int, dict[str, Any], float], np.ndarray]


def sgd(momentum: float = 0.0, *, nesterov: bool = False) -> Rule:
    """Sutskever et al. (2013), equations 1 to 4; Nesterov's in the form of Bengio et al. (2013)."""

    def step(w: np.ndarray, g: np.ndarray, _t: int, state: dict[str, Any], rate: float) -> np.ndarray:
        state["v"] = momentum * state.get("v", 0) - rate * g
        return w + (momentum * state["v"] - rate * g if nesterov else state["v"])

    return step


def momentum(momentum: float = 0.9, *, nesterov: bool = False) -> Rule:
    return sgd(momentum, nesterov=nesterov)


def rmsprop(momentum: float = 0.0, *, rho: float = 0.9, epsilon: float = SMALLEST, centered: bool = False) -> Rule:
    """Tieleman, Hinton (2012), lecture 6.5, with momentum and, if centred, the variance of Graves (2013)."""

    def step(w: np.ndarray, g: np.ndarray, _t: int, state: dict[str, Any], rate: float) -> np.ndarray:
        state["n"] = rho * state.get("n", 0) + (1 - rho) * g**2
        state["g"] = rho * state.get("g", 0) + (1 - rho) * g
        spread = state["n"] - (state["g"] ** 2 if centered else 0)
        state["v"] = momentum * state.get("v", 0) - rate * g / np.sqrt(spread + epsilon)
        return w + state["v"]

    return step


def adam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = SMALLEST, *, amsgrad: bool = False) -> Rule:
    """Kingma, Ba (2015), algorithm 1 in the order of section 2's last paragraph; Reddi et al. (2018), algorithm 2."""

    def step(w: np.ndarray, g: np.ndarray, t: int, state: dict[str, Any], rate: float) -> np.ndarray:
        state["m"] = beta_1 * state.get("m", 0) + (1 - beta_1) * g
        state["v"] = beta_2 * state.get("v", 0) + (1 - beta_2) * g**2
        state["largest"] = np.maximum(state.get("largest", 0), state["v"])
        rate *= np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        return w - rate * state["m"] / (np.sqrt(state["largest" if amsgrad else "v"]) + epsilon)

    return step


def nadam(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = SMALLEST) -> Rule:
    """Dozat (2016), algorithm 2, with Keras' schedule of mu."""

    def step(w: np.ndarray, g: np.ndarray, t: int, state: dict[str, Any], rate: float) -> np.ndarray:
        mu, mu_next = (beta_1 * (1 - 0.5 * 0.96**s) for s in (t, t + 1))
        state["product"] = state.get("product", 1) * mu
        state["m"] = beta_1 * state.get("m", 0) + (1 - beta_1) * g
        state["n"] = beta_2 * state.get("n", 0) + (1 - beta_2) * g**2
        m = mu_next * state["m"] / (1 - state["product"] * mu_next) + (1 - mu) * g / (1 - state["product"])
        return w - rate * m / (np.sqrt(state["n"] / (1 - beta_2**t)) + epsilon)

    return step


def adamax(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = SMALLEST) -> Rule:
    """Kingma, Ba (2015), algorithm 2, which has no epsilon."""

    def step(w: np.ndarray, g: np.ndarray, t: int, state: dict[str, Any], rate: float) -> np.ndarray:
        state["m"] = beta_1 * state.get("m", 0) + (1 - beta_1) * g
        state["u"] = np.maximum(beta_2 * state.get("u", 0), abs(g))
        return w - rate / (1 - beta_1**t) * state["m"] / (state["u"] + epsilon)

    return step


def adagrad(initial_accumulator_value: float = 0.1, epsilon: float = SMALLEST) -> Rule:
    """Duchi, Hazan, Singer (2011), figure 1, diagonal."""

    def step(w: np.ndarray, g: np.ndarray, _t: int, state: dict[str, Any], rate: float) -> np.ndarray:
        state["sum"] = state.get("sum", initial_accumulator_value) + g**2
        return w - rate * g / np.sqrt(state["sum"] + epsilon)

    return step


def adadelta(rho: float = 0.95, epsilon: float = SMALLEST) -> Rule:
    """Zeiler (2012), algorithm 1, where the rate is 1."""

    def step(w: np.ndarray, g: np.ndarray, _t: int, state: dict[str, Any], rate: float) -> np.ndarray:
        state["g"] = rho * state.get("g", 0) + (1 - rho) * g**2
        change = -np.sqrt(state.get("x", 0) + epsilon) / np.sqrt(state["g"] + epsilon) * g
        state["x"] = rho * state.get("x", 0) + (1 - rho) * change**2
        return w + rate * change

    return step


def adafactor(
    beta_2_decay: float = -0.8,
    epsilon_1: float = 1e-30,
    epsilon_2: float = 1e-3,
    clip_threshold: float = 1.0,
    *,
    relative_step: bool = True,
) -> Rule:
    """Shazeer, Stern (2018), algorithms 4 (matrices) and 5 (vectors), where the rate is 0.01."""

    def factored(square: np.ndarray, kept: float, state: dict[str, Any]) -> np.ndarray:
        state["r"] = kept * state.get("r", 0) + (1 - kept) * square.sum(axis=1)
        state["c"] = kept * state.get("c", 0) + (1 - kept) * square.sum(axis=0)
        return np.outer(state["r"], state["c"]) / state["r"].sum()

    def step(w: np.ndarray, g: np.ndarray, t: int, state: dict[str, Any], rate: float) -> np.ndarray:
        kept, square = 1 - t**beta_2_decay, g**2 + epsilon_1
        if w.ndim == 1:
            v = state["v"] = kept * state.get("v", 0) + (1 - kept) * square
        elif w.ndim == 2:
            v = factored(square, kept, state)
        else:  # a matrix for each place of a filter
            places = list(np.ndindex(*w.shape[:-2]))
            v = np.reshape([factored(square[at], kept, state.setdefault(at, {})) for at in places], w.shape)
        u = g / np.sqrt(v)
        u = u / max(1, np.sqrt(np.mean(u**2)) / clip_threshold)
        rate = min(rate, 1 / np.sqrt(t)) if relative_step else rate
        return w - max(epsilon_2, np.sqrt(np.mean(w**2))) * rate * u

    return step


def lamb(beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = SMALLEST) -> Rule:
    """You et al. (2020), algorithm 2, its phi the identity."""

    def step(w: np.ndarray, g: np.ndarray, t: int, state: dict[str, Any], rate: float) -> np.ndarray:
        state["m"] = beta_1 * state.get("m", 0) + (1 - beta_1) * g
        state["v"] = beta_2 * state.get("v", 0) + (1 - beta_2) * g**2
        r = state["m"] / (1 - beta_1**t) / (np.sqrt(state["v"] / (1 - beta_2**t)) + epsilon)
        return w - rate * np.linalg.norm(w) / np.linalg.norm(r) * r

    return step


def lion(beta_1: float = 0.9, beta_2: float = 0.99) -> Rule:
    """Chen et al. (2023), program 1."""

    def step(w: np.ndarray, g: np.ndarray, _t: int, state: dict[str, Any], rate: float) -> np.ndarray:
        m = state.get("m", 0)
        state["m"] = beta_2 * m + (1 - beta_2) * g
        return w - rate * np.sign(beta_1 * m + (1 - beta_1) * g)

    return step


def ftrl(
    *,
    initial_accumulator_value: float = 0.1,
    learning_rate_power: float = -0.5,
    l1_regularization_strength: float = 0.0,
    l2_regularization_strength: float = 0.0,
    l2_shrinkage_regularization_strength: float = 0.0,
    beta: float = 0.0,
) -> Rule:
    """McMahan et al. (2013), section 3.1: the weights that minimise

    g_1:t w + sum over s of sigma_s / 2 (w - w_s)^2 + l1 |w| + l2 w^2, with sigma_1:t = (beta + n_t^-p) / rate_t.
    """

    def step(w: np.ndarray, g: np.ndarray, _t: int, state: dict[str, Any], rate: float) -> np.ndarray:
        squares = state.get("n", initial_accumulator_value)
        if not state:
            # Of the first step, whose w_1 is where it begins, all of sigma_1:1 belongs to that.
            state |= {"g": np.zeros_like(w), "sigmas": np.zeros_like(w), "centres": np.zeros_like(w), "last": w}
        else:  # weights that decayed since are where the rule left them: what it is about decays with them
            state["centres"] = state["centres"] - state["sigmas"] * (state["last"] - w)
        state["n"] = squares + g**2
        sigma = (beta + state["n"] ** -learning_rate_power) / rate - state["sigmas"]
        state["g"] = state["g"] + g + 2 * l2_shrinkage_regularization_strength * w
        state["sigmas"] = state["sigmas"] + sigma
        state["centres"] = state["centres"] + sigma * w
        slope = state["g"] - state["centres"]
        beyond = np.maximum(abs(slope) - l1_regularization_strength, 0)
        state["last"] = -np.sign(slope) * beyond / (state["sigmas"] + 2 * l2_regularization_strength)
        return state["last"]

    return step


RULES: list[tuple[str, dict[str, float | bool], Callable[..., Rule]]] = [
    ("sgd", {}, sgd),
    ("momentum", {}, momentum),
    ("momentum", {"momentum": 0.5}, momentum),
    ("momentum", {"nesterov": True}, momentum),
    ("momentum", {"momentum": 0}, momentum),
    ("rmsprop", {}, rmsprop),
    ("rmsprop", {"momentum": 0.8}, rmsprop),
    ("rmsprop", {"rho": 0.7, "epsilon": 0.01, "centered": True}, rmsprop),
    ("adam", {}, adam),
    ("adam", {"beta_1": 0.5, "beta_2": 0.6, "epsilon": 0.1}, adam),
    ("adam", {"beta_2": 0.6, "amsgrad": True}, adam),
    ("adamw", {}, adam),
    ("adamw", {"beta_1": 0.0, "beta_2": 0.3, "amsgrad": True}, adam),
    ("nadam", {}, nadam),
    ("nadam", {"beta_1": 0.5, "beta_2": 0.6, "epsilon": 0.1}, nadam),
    ("adamax", {}, adamax),
    ("adamax", {"beta_1": 0.5, "beta_2": 0.6, "epsilon": 0.1}, adamax),
    ("adagrad", {}, adagrad),
    ("adagrad", {"initial_accumulator_value": 1, "epsilon": 0.5}, adagrad),
    ("adadelta", {}, adadelta),
    ("adadelta", {"rho": 0.5, "epsilon": 0.01}, adadelta),
    ("adafactor", {}, adafactor),
    ("adafactor", {"beta_2_decay": -0.5, "epsilon_1": 0.1, "epsilon_2": 2.0, "clip_threshold": 0.5}, adafactor),
    ("adafactor", {"relative_step": False}, adafactor),
    ("lamb", {}, lamb),
    ("lamb", {"beta_1": 0.5, "beta_2": 0.6, "epsilon": 0.1}, lamb),
    ("lion", {}, lion),
    ("lion", {"beta_1": 0.3, "beta_2": 0.5}, lion),
    ("ftrl", {}, ftrl),
    ("ftrl", {"initial_accumulator_value": 0.5, "learning_rate_power": -0.7, "beta": 1.0}, ftrl),
    ("ftrl", {"l1_regularization_strength": 3.0, "l2_regularization_strength": 0.5}, ftrl),
    ("ftrl", {"l2_shrinkage_regularization_strength": 0.3}, ftrl),
]


def variables() -> list[keras.Variable]:
    return [keras.Variable(start, name=name) for start, name in zip(START, SHAPES, strict=True)]


def tensors(gradients: list[np.ndarray]) -> list[tf.Tensor]:
    return [tf.constant(gradient, tf.float32) for gradient in gradients]


def by_hand(rule: Rule, weight_decay: float, rates: list[float]) -> list[np.ndarray]:
    weights = []
    for number, name in enumerate(SHAPES):
        w, state, decay = START[number], {}, 0.0 if name == "bias" else weight_decay
        for step, (gradients, rate) in enumerate(zip(GRADIENTS, rates, strict=True), start=1):
            w = rule(w * (1 - decay * rate), gradients[number], step, state, rate)
        weights.append(w)
    return weights


@pytest.mark.parametrize(("name", "given", "rule"), RULES)
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("scheduled", [False, True])
def test_steps_are_those_of_the_paper(
    name: str, given: dict[str, float | bool], rule: Callable[..., Rule], weight_decay: float, *, scheduled: bool
) -> None:
    rate = ExponentialDecay(0.1, decay_steps=1, decay_rate=0.5) if scheduled else 0.1
    optimizer = make_optimizer(name, learning_rate=rate, weight_decay=weight_decay, **given)
    weights = variables()
    for gradients in GRADIENTS:
        optimizer.apply(tensors(gradients), weights)
    expected = by_hand(rule(**given), weight_decay, [0.1 * (0.5 if scheduled else 1) ** step for step in range(STEPS)])
    for mine, its in zip(weights, expected, strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - NOT_OF_KERAS))
def test_no_bit_differs_from_what_keras_itself_makes(name: str, *, amsgrad: bool) -> None:
    own: dict[str, Any] = {"amsgrad": amsgrad} if "amsgrad" in hyperparameters(name) else {}
    ours = make_optimizer(name, learning_rate=ExponentialDecay(0.1, decay_steps=3, decay_rate=0.5), **own)
    kind = next(kind for kind in type(ours).__mro__ if kind.__module__.startswith("keras."))
    kept, weights = [], []
    for optimizer in (ours, kind.from_config(ours.get_config())):
        weights = [keras.Variable(start, dtype="float32") for start in START]
        optimizer.build(weights)
        step = tf.function(optimizer.apply)
        for gradients in GRADIENTS:
            step(tensors(gradients))
        kept.append([np.array(weight) for weight in weights])
    for mine, its, start in zip(*kept, START, strict=True):
        np.testing.assert_array_equal(mine, its)
        assert not np.array_equal(mine, start.astype(np.float32))


def test_ftrl_is_keras_own_for_weights_that_begin_at_0() -> None:
    ours = make_optimizer("ftrl", learning_rate=0.1, **unusual("ftrl"))
    kept = []
    for optimizer in (ours, keras.optimizers.Ftrl.from_config(ours.get_config())):
        weights = [keras.Variable(np.zeros(shape), dtype="float32") for shape in SHAPES.values()]
        for gradients in GRADIENTS:
            optimizer.apply(tensors(gradients), weights)
        kept.append([np.array(weight) for weight in weights])
    for mine, its in zip(*kept, strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-5, atol=1e-6)


def test_ftrl_forgets_no_weight_that_gets_no_gradient() -> None:
    weights = variables()
    rate = ExponentialDecay(0.1, decay_steps=1, decay_rate=0.5)
    for optimizer in (make_optimizer("ftrl", learning_rate=rate), keras.optimizers.Ftrl(0.1)):
        optimizer.apply([tf.zeros(shape) for shape in SHAPES.values()], weights)
        optimizer.apply([tf.zeros(shape) for shape in SHAPES.values()], weights)
        if isinstance(optimizer, Ftrl):
            for weight, start in zip(weights, START, strict=True):
                np.testing.assert_allclose(weight, start, rtol=1e-5)
    assert not any(np.any(weight) for weight in weights)  # as Keras' own does, which is why there is ours


def stepped(optimizer: keras.optimizers.Optimizer) -> list[np.ndarray]:
    weights = variables()
    for gradients in GRADIENTS:
        optimizer.apply(tensors(gradients), weights)
    return [np.array(weight) for weight in weights]


def test_adafactor_is_keras_own_where_nothing_is_dead() -> None:
    for relative in (True, False):  # which changes nothing there
        theirs = stepped(keras.optimizers.Adafactor(0.1, relative_step=relative))
        for mine, its in zip(stepped(make_optimizer("adafactor", learning_rate=0.1)), theirs, strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-5)


def test_without_relative_steps_adafactor_s_rate_is_what_it_is() -> None:
    relative, absolute = (
        stepped(make_optimizer("adafactor", learning_rate=3.0, relative_step=value)) for value in (True, False)
    )
    assert not any(np.allclose(mine, its) for mine, its in zip(relative, absolute, strict=True))


def test_a_weight_whose_input_and_output_are_dead_stays_with_adafactor() -> None:
    gradient = np.ones((4, 3), np.float32)
    gradient[0], gradient[:, 1] = 0, 0
    kept = []
    for optimizer in (make_optimizer("adafactor", learning_rate=0.1), keras.optimizers.Adafactor(0.1)):
        weight = keras.Variable(np.ones((4, 3)), dtype="float32", name="kernel")
        optimizer.apply([tf.constant(gradient)], [weight])
        kept.append(np.array(weight))
    assert kept[0][0, 1] == 1
    assert np.isfinite(kept[0]).all()
    assert np.isnan(kept[1]).any()  # as in Keras, which is why there is ours


def test_adafactor_keeps_rows_and_columns_and_no_square_of_a_kernel() -> None:
    optimizer = make_optimizer("adafactor", learning_rate=0.1)
    optimizer.build(variables())
    shapes = [tuple(slot.shape) for slot in optimizer.variables[2:]]  # after the iterations and the rate
    assert shapes == [(4,), (3,), (2, 3, 2), (2, 3, 4), (3,)]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_that_is_built_while_its_first_step_is_traced_makes_the_same_steps(name: str) -> None:
    def traced(*, built_before: bool) -> list[np.ndarray]:
        optimizer, weights = make_optimizer(name, learning_rate=0.1, weight_decay=0.1), variables()
        if built_before:
            optimizer.build(weights)
        step = tf.function(lambda gradients: optimizer.apply(gradients, weights))
        for gradients in GRADIENTS:
            step(tensors(gradients))
        return [np.array(weight) for weight in weights]

    for mine, its in zip(traced(built_before=True), traced(built_before=False), strict=True):
        np.testing.assert_array_equal(mine, its)


def test_every_optimizer_is_checked_above() -> None:
    elsewhere = {"muon", "schedule_free_adamw"}  # test_muon.py, test_schedule_free.py
    assert {name for name, _, _ in RULES} == set(OPTIMIZERS) - elsewhere


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
def test_what_a_normalisation_scales_and_shifts_by_does_not_decay(name: str) -> None:
    model = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization(beta_initializer="ones")])
    optimizer = make_optimizer(name, learning_rate=0.1, weight_decay=0.2)
    optimizer.apply([keras.ops.zeros_like(v) for v in model.trainable_variables], model.trainable_variables)
    for variable in model.trainable_variables:  # gamma and beta
        np.testing.assert_array_equal(variable, np.ones(2))


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("none", [0, 0.0])
def test_no_weight_decay_costs_nothing(name: str, none: float) -> None:
    optimizer = make_optimizer(name, learning_rate=0.1, weight_decay=none)
    assert optimizer.weight_decay is None
    assert type(optimizer).from_config(optimizer.get_config()).weight_decay is None


@pytest.mark.parametrize(("name", "given", "_rule"), RULES)
def test_an_optimizer_comes_back_from_its_config(name: str, given: dict[str, Any], _rule: Callable[..., Rule]) -> None:
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


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_hyperparameters_are_all_that_the_class_has(name: str) -> None:
    common = keras.optimizers.Optimizer(0.1).get_config().keys()
    config = make_optimizer(name, learning_rate=0.1).get_config()
    own = {key: value for key, value in config.items() if key not in common}
    assert {key: own.pop(key) for key in hyperparameters(name)} == hyperparameters(name)
    assert own == ({"momentum": 0.0, "nesterov": False} if name == "sgd" else {})  # else it were momentum


def test_hyperparameters_are_a_copy() -> None:
    hyperparameters("momentum")["momentum"] = 0.1
    assert hyperparameters("momentum")["momentum"] == 0.9


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        (
            "adm",
            {},
            "unknown optimizer 'adm'; choose one of: adadelta, .*, adagrad, adam, .*; did you mean 'adam'?",
        ),
        (
            "adam",
            {"momentum": 0.9},
            "'adam' has no hyperparameter 'momentum'; those with one: momentum, muon, rmsprop$",
        ),
        (
            "sgd",
            {"momentum": 0.9},
            "'sgd' has no hyperparameter 'momentum'; those with one: momentum, muon, rmsprop$",
        ),
        (
            "rmsprop",
            {"nesterov": True},
            "'rmsprop' has no hyperparameter 'nesterov'; those with one: momentum, muon$",
        ),
        ("sgd", {"rho": 0.9}, "'sgd' has no hyperparameter 'rho'; those with one: adadelta, rmsprop$"),
        ("adam", {"gamma": 0.9}, "'adam' has no hyperparameter 'gamma'; those with one: none$"),
        ("sgd", {"learning_rate": 0.0}, "learning_rate must be positive and finite; received 0.0"),
        ("sgd", {"learning_rate": float("inf")}, "learning_rate must be positive and finite; received inf"),
        ("sgd", {"weight_decay": -0.1}, "weight_decay must be finite and not negative; received -0.1"),
        ("sgd", {"weight_decay": float("nan")}, "weight_decay must be finite and not negative; received nan"),
        ("momentum", {"momentum": 1.0}, "momentum must be at least 0 and less than 1; received 1.0"),
        ("rmsprop", {"momentum": -0.1}, "momentum must be at least 0 and less than 1; received -0.1"),
        ("adam", {"beta_2": 1.0}, "beta_2 must be at least 0 and less than 1; received 1.0"),
        ("adam", {"epsilon": 0.0}, "epsilon must be positive and finite; received 0.0"),
        ("ftrl", {"learning_rate_power": 0.5}, "learning_rate_power must be at least -1 and at most 0; received 0.5"),
        ("ftrl", {"beta": -1.0}, "beta must be finite and not negative; received -1.0"),
        ("lion", {"beta_1": 0.0}, "lion needs a beta_1 greater than 0; received 0.0"),
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

"""Schedule-free AdamW against its algorithm, written out in NumPy with all three sequences kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from models.losses import make_loss
from models.optimizers import make_optimizer
from models.schedules import make_schedule

STEPS = 6
random = np.random.default_rng(5)
SHAPES = {"kernel": (4, 3), "filters": (2, 3, 2, 4), "bias": (3,)}
START = [random.normal(size=shape) for shape in SHAPES.values()]
GRADIENTS = [[random.normal(size=shape) for shape in SHAPES.values()] for _ in range(STEPS)]
TOLD: list[dict[str, float]] = [{}, {"beta_1": 0.6, "beta_2": 0.9, "epsilon": 0.01}]


def by_hand(
    number: int, rates: list[float], weight_decay: float, *, beta_1: float = 0.9, beta_2: float = 0.999, **rest: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y and z of one variable after the steps: Defazio et al. (2024), algorithm 1."""
    epsilon, decay = rest.get("epsilon", 1e-8), 0.0 if list(SHAPES)[number] == "bias" else weight_decay
    x = z = y = START[number]
    v = np.zeros_like(x)
    for t, (gradients, rate) in enumerate(zip(GRADIENTS, rates, strict=True), start=1):
        y, g = (1 - beta_1) * z + beta_1 * x, gradients[number]
        v = beta_2 * v + (1 - beta_2) * g**2
        z = z - rate * g / (np.sqrt(v / (1 - beta_2**t)) + epsilon) - rate * decay * y
        c = rate**2 / sum(past**2 for past in rates[:t])
        x = (1 - c) * x + c * z
    return x, (1 - beta_1) * z + beta_1 * x, z


def variables() -> list[keras.Variable]:
    return [keras.Variable(start, name=name, dtype="float32") for start, name in zip(START, SHAPES, strict=True)]


def apply(optimizer: keras.optimizers.Optimizer, weights: list[keras.Variable], steps: int = STEPS) -> None:
    for gradients in GRADIENTS[:steps]:
        optimizer.apply([tf.constant(gradient, tf.float32) for gradient in gradients], weights)


@pytest.mark.parametrize("own", TOLD)
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("warmup_epochs", [0, 1])
def test_steps_and_the_mean_are_those_of_the_paper(
    own: dict[str, float], weight_decay: float, warmup_epochs: int
) -> None:
    # Four steps an epoch: the warm-up of the paper, min(1, t / 4).
    rate = make_schedule("constant", learning_rate=0.1, steps_per_epoch=4, epochs=2, warmup_epochs=warmup_epochs)
    optimizer = make_optimizer("schedule_free_adamw", learning_rate=rate, weight_decay=weight_decay, **own)
    weights = variables()
    apply(optimizer, weights)
    rates = [0.1 * min(1, t / 4) if warmup_epochs else 0.1 for t in range(1, STEPS + 1)]
    for number, (weight, evaluated) in enumerate(zip(weights, optimizer.weights_to_evaluate(weights), strict=True)):
        x, y, _ = by_hand(number, rates, weight_decay, **own)
        np.testing.assert_allclose(weight, y, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(evaluated, x, rtol=1e-5, atol=1e-5)
        assert not np.allclose(evaluated, weight, rtol=1e-3)


def test_what_is_evaluated_at_is_computed_and_not_assigned() -> None:
    optimizer = make_optimizer("schedule_free_adamw", learning_rate=0.1)
    weights = variables()
    apply(optimizer, weights)
    before = [np.array(value) for value in (*weights, *optimizer.variables)]
    optimizer.weights_to_evaluate(weights)
    for value, kept in zip((*weights, *optimizer.variables), before, strict=True):
        np.testing.assert_array_equal(value, kept)


def test_before_the_first_step_all_three_are_where_the_weights_begin() -> None:
    optimizer = make_optimizer("schedule_free_adamw", learning_rate=0.1)
    weights = variables()
    optimizer.build(weights)
    for evaluated, start in zip(optimizer.weights_to_evaluate(weights), START, strict=True):
        np.testing.assert_allclose(evaluated, start, rtol=1e-6)


def test_a_constant_rate_weights_all_steps_alike_and_a_warm_up_its_first_ones_less() -> None:
    """With no gradient but in the first step, x is the share of that step in the mean."""
    rate = make_schedule("constant", learning_rate=1.0, steps_per_epoch=2, epochs=2, warmup_epochs=1)
    for given, share in ((1.0, 1.0), (rate, 0.5)):
        optimizer = make_optimizer("schedule_free_adamw", learning_rate=given)
        weight = keras.Variable([0.0], name="bias")
        for gradient in (1.0, 0.0, 0.0):
            optimizer.apply([tf.constant([gradient])], [weight])
        (evaluated,) = optimizer.weights_to_evaluate([weight])
        np.testing.assert_allclose(evaluated, [-share], rtol=1e-5)  # z went there in the first step, and stayed


def test_a_loaded_model_goes_on_and_is_evaluated_as_the_one_that_was_saved(tmp_path: Path) -> None:
    inputs, labels = random.normal(size=(24, 4)).astype("float32"), random.integers(0, 3, 24)
    dense = keras.layers.Dense(3, kernel_initializer=keras.initializers.GlorotUniform(1))
    model = keras.Sequential([keras.Input((4,)), dense])
    own = {"beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-4}
    model.compile(
        optimizer=make_optimizer("schedule_free_adamw", learning_rate=0.1, weight_decay=0.1, **own),
        loss=make_loss("softmax_cross_entropy"),
    )

    def fit(one: keras.Model) -> None:
        one.fit(inputs, labels, batch_size=8, shuffle=False, verbose=0)

    fit(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    fit(model)
    fit(loaded)
    for mine, its in zip(all_of(model), all_of(loaded), strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-6)


def all_of(model: keras.Model) -> list[Any]:
    evaluated = model.optimizer.weights_to_evaluate(model.trainable_variables)
    return [np.array(value) for value in (*model.variables, *model.optimizer.variables, *evaluated)]


def test_without_beta_1_the_mean_would_be_lost() -> None:
    with pytest.raises(ValueError, match=r"schedule_free_adamw needs a beta_1 greater than 0; received 0\.0"):
        make_optimizer("schedule_free_adamw", learning_rate=0.1, beta_1=0.0)


def test_keras_own_of_that_name_is_not_evaluated_at_the_mean_which_is_why_there_is_ours() -> None:
    assert not hasattr(keras.optimizers.ScheduleFreeAdamW(), "weights_to_evaluate")

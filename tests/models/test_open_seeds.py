"""Seeds that a network leaves open are a function of one seed, whatever was drawn before."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from models.open_seeds import with_seeds

layers = keras.layers
INPUTS = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")


def network() -> keras.Model:
    """A network in a network, of which no layer but one says a seed."""
    inner = keras.Sequential([keras.Input((8,)), layers.Dense(8, name="hidden"), layers.Dropout(0.5)], name="inner")
    inputs = keras.Input((8,))
    fixed = layers.Dense(8, kernel_initializer=keras.initializers.GlorotUniform(seed=3), name="fixed")
    x = layers.Dropout(0.5, seed=11)(fixed(inner(inputs)))
    return keras.Model(inputs, layers.Dense(3, name="logits")(x))


def test_the_seed_alone_decides_what_is_drawn() -> None:
    keras.utils.set_random_seed(1)
    one = with_seeds(network(), 7)
    keras.utils.set_random_seed(2)
    same, other = with_seeds(network(), 7), with_seeds(network(), 8)
    for mine, its in zip(one.variables, same.variables, strict=True):  # of dropout's generators too
        np.testing.assert_array_equal(mine, its)
    assert [np.array_equal(mine, its) for mine, its in zip(one.variables, other.variables, strict=True)].count(
        True
    ) == 5
    np.testing.assert_array_equal(one(INPUTS, training=True), same(INPUTS, training=True))


def kernel(model: keras.Model, *names: str) -> np.ndarray:
    for name in names:
        model = model.get_layer(name)
    return np.array(model.kernel)


def test_layers_draw_other_numbers_and_keep_a_seed_that_they_had() -> None:
    model, before = with_seeds(network(), 7), network()
    assert not np.array_equal(kernel(model, "inner", "hidden"), kernel(model, "fixed"))
    np.testing.assert_array_equal(kernel(model, "fixed"), kernel(before, "fixed"))
    assert [layer.seed for layer in model.layers if isinstance(layer, layers.Dropout)] == [11]


def test_a_model_that_was_saved_drops_the_same(tmp_path: Path) -> None:
    model = with_seeds(network(), 7)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(INPUTS, training=True), model(INPUTS, training=True))


def test_what_was_built_is_left_as_it_was() -> None:
    built = network()
    weights = built.get_weights()
    with_seeds(built, 7)
    for mine, its in zip(weights, built.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)
    assert built.layers[1].layers[1].seed is None

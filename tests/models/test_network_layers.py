"""The layers of a network in their order, and its head."""

from __future__ import annotations

import keras

from models.network_layers import head_of, layers_of

layers = keras.layers


def test_layers_are_found_in_their_order_however_deep() -> None:
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="b"), layers.ReLU(name="c")], name="inner")
    outer = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="a"), inner, layers.ReLU(name="d")])
    assert [layer.name for layer in layers_of(outer)] == ["a", "b", "c", "d"]
    assert head_of(outer).name == "b"

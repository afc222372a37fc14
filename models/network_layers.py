"""The layers of a network, however deep they lie, and which of them is its head."""

from __future__ import annotations

from collections.abc import Iterator

import keras


def layers_of(network: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield the layers of a network, and of the networks in it, in their order."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)
        else:
            yield layer


def head_of(network: keras.Model) -> keras.layers.Layer:
    """Return the layer that makes the logits: the last one with weights. All others are the backbone."""
    return [layer for layer in layers_of(network) if layer.weights][-1]

"""Which layers of a network are trained in which epoch: the head alone, then all of it.

A frozen batch normalisation uses its moving statistics, and does not move them: Keras' layers do so themselves.
"""

from __future__ import annotations

import keras

from models.network_layers import head_of, layers_of


class Freezing:
    """Opens and closes the layers of one network.

    Args:
        network: Its optimizer has slots for all that it trains when nothing is frozen.
        frozen_epochs: How many of the first epochs train the head alone; then all is trained that the network itself
            lets be trained.
    """

    def __init__(self, network: keras.Model, frozen_epochs: int) -> None:
        self._own = [(layer, layer.trainable) for layer in layers_of(network)]
        self._head = head_of(network)
        self._frozen_epochs = frozen_epochs

    def begin(self, epoch: int) -> bool:
        """Open and close layers for an epoch, from 1; return whether other ones are trained than before."""
        freezes = epoch <= self._frozen_epochs
        before = [layer.trainable for layer, _ in self._own]
        for layer, own in self._own:
            layer.trainable = own and (layer is self._head or not freezes)
        return before != [layer.trainable for layer, _ in self._own]

    def end(self) -> None:
        """Leave the network as it was, so that whoever loads it can train all of it."""
        for layer, own in self._own:
            layer.trainable = own

"""Files of a person's own, as tests write them."""

from __future__ import annotations

from pathlib import Path

OPTIMIZER = """
import keras
from keras import ops


class Signum(keras.optimizers.Optimizer):
    def __init__(self, learning_rate=0.0003, beta=0.9, **base):
        super().__init__(learning_rate=learning_rate, **base)
        self.beta = beta

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.momentums = self.add_optimizer_variables(variables, "momentum")

    def update_step(self, gradient, variable, learning_rate):
        momentum = self.momentums[self._get_variable_index(variable)]
        self.assign(momentum, self.beta * momentum + (1 - self.beta) * gradient)
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * ops.sign(momentum))

    def get_config(self):
        return {**super().get_config(), "beta": self.beta}
"""
LOSS = """

class Focal(keras.losses.Loss):
    def __init__(self, gamma=2.0, **base):
        super().__init__(**base)
        self.gamma = gamma

    def call(self, labels, logits):
        cross_entropy = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        return (1 - ops.exp(-cross_entropy)) ** self.gamma * cross_entropy

    def get_config(self):
        return {**super().get_config(), "gamma": self.gamma}
"""
NETWORK = """

def small(image_shape, num_classes, *, pixel_mean, pixel_deviation, seed):
    first, second = (keras.initializers.HeNormal(seed=2 * seed + layer) for layer in range(2))
    variance = [max(deviation, 1.0) ** 2 for deviation in pixel_deviation]
    return keras.Sequential(
        [
            keras.Input(image_shape),
            keras.layers.Normalization(mean=list(pixel_mean), variance=variance, name="normalization"),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu", kernel_initializer=first, name="convolution"),
            keras.layers.Flatten(name="flatten"),
            keras.layers.Dense(num_classes, kernel_initializer=second, name="logits"),
        ],
        name="small",
    )
"""


def write_own(path: Path, *changes: tuple[str, str]) -> Path:
    """Write a file with an optimizer, a loss and a network, in which each first text of ``changes`` is its second."""
    text = OPTIMIZER + LOSS + NETWORK
    for before, after in changes:
        assert before in text, before
        text = text.replace(before, after)
    path.write_text(text)
    return path

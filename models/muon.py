"""Momentum whose step is orthogonal: all that a kernel can learn in one step, in all directions alike."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import keras
from keras import ops

from models.update_rules import BiasesKept, serializable

# Of the quintic iteration, chosen for the steepest slope at 0: it brings singular values to between 0.7 and 1.2.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ROOT_MEAN_SQUARE = 0.2  # of a step of AdamW, as Liu et al. found


@serializable
class Muon(BiasesKept):
    """Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024), for convolutions too.

    A kernel's step is its momentum with all singular values brought near 1, by a few Newton-Schulz iterations. A
    filter of four dimensions is a matrix of outputs by inputs and places, as in the author's code
    (github.com/KellerJordan/Muon and cifar10-airbench), where Keras, like PyTorch, leaves all but two dimensions to
    AdamW. A filter with one output is that of a depthwise convolution, whose channels are its outputs. AdamW moves
    biases, all else of one dimension, the first kernel, which sees the image, and the last, which gives the logits:
    as the author says of networks with convolutions.

    A step is scaled by 0.2 sqrt(max(outputs, inputs)), by which it is about as large as one of AdamW (Liu et al.,
    "Muon is scalable for LLM training", 2025, section 2.2): one learning rate and one decay serve both.

    Args:
        learning_rate: Positive, or a schedule.
        momentum: The share of the sum of gradients that is kept in a step.
        nesterov: Look ahead as Nesterov does.
        ns_steps: Newton-Schulz iterations.
        beta_1: For what is under AdamW, as ``beta_2`` and ``epsilon``.
        **common: What all optimizers of Keras take.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        *,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_steps: int = 5,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **common)
        self.momentum = momentum
        self.nesterov = nesterov
        self.ns_steps = ns_steps
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: list[keras.Variable]) -> None:
        """Create the slots for `variables`, which are in the order in which an image goes through them."""
        if self.built:
            return
        super().build(variables)
        kernels = [number for number, variable in enumerate(variables) if len(variable.shape) >= 2]
        hidden = set(kernels[1:-1])
        self.share_moved = _size(variables[number] for number in hidden) / _size(variables)
        self._momentums = self.add_optimizer_variables(variables, "momentum")
        self._squares = [
            None if number in hidden else self.add_variable_from_reference(variable, name="velocity")
            for number, variable in enumerate(variables)
        ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        gradient, rate = (ops.cast(value, variable.dtype) for value in (gradient, learning_rate))
        index = self._get_variable_index(variable)
        momentum, squares = self._momentums[index], self._squares[index]
        if squares is not None:
            self._adamw_step(gradient, variable, rate, momentum, squares)
            return
        self.assign(momentum, self.momentum * momentum + gradient)
        step = gradient + self.momentum * momentum if self.nesterov else momentum
        self.assign_sub(variable, rate * orthogonal(step, self.ns_steps))

    def _adamw_step(self, gradient: Any, variable: Any, rate: Any, mean: Any, squares: Any) -> None:
        step = ops.cast(self.iterations + 1, variable.dtype)
        bias_1, bias_2 = (1 - ops.power(ops.cast(beta, variable.dtype), step) for beta in (self.beta_1, self.beta_2))
        self.assign_add(mean, (gradient - mean) * (1 - self.beta_1))
        self.assign_add(squares, (ops.square(gradient) - squares) * (1 - self.beta_2))
        self.assign_sub(variable, mean * (rate * ops.sqrt(bias_2) / bias_1) / (ops.sqrt(squares) + self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """Return what makes the same optimizer again, without what it has come to."""
        names = ("momentum", "nesterov", "ns_steps", "beta_1", "beta_2", "epsilon")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def orthogonal(step: Any, iterations: int) -> Any:
    """Return the step of a kernel with singular values near 1, scaled to be as large as a step of AdamW.

    Args:
        step: Of the shape of a kernel of Keras: inputs by outputs, the places of a filter before these.
        iterations: Newton-Schulz iterations.
    """
    outputs = step.shape[-1] if len(step.shape) == 2 or step.shape[-1] > 1 else step.shape[-2]
    matrix = ops.reshape(step, (-1, outputs))
    rows, columns = matrix.shape
    if rows > columns:  # the smaller product
        matrix = ops.transpose(matrix)
    matrix = matrix / (ops.norm(matrix) + 1e-7)  # so that no singular value is more than 1
    first, third, fifth = COEFFICIENTS
    for _ in range(iterations):
        product = matrix @ ops.transpose(matrix)
        matrix = first * matrix + (third * product + fifth * product @ product) @ matrix
    if rows > columns:
        matrix = ops.transpose(matrix)
    return ops.reshape(matrix, step.shape) * (ROOT_MEAN_SQUARE * math.sqrt(max(rows, columns)))


def _size(variables: Iterable[keras.Variable]) -> int:
    return sum(math.prod(variable.shape) for variable in variables)

"""Adaptive steps, relative to the weights, that keep of a kernel's squares only their rows and columns."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from models.update_rules import BiasesKept, serializable


@serializable
class Adafactor(BiasesKept):
    """Shazeer, Stern, "Adafactor: adaptive learning rates with sublinear memory cost" (2018), algorithms 4 and 5.

    A kernel of four dimensions is a stack of matrices, inputs by outputs, as in Keras. What Keras' class lacks: a
    weight whose input and output are both dead, with squares of nothing but ``epsilon_1``, stays, where Keras
    divides 0 by 0; slots for rows and columns alone; and a ``relative_step`` that changes something.

    Args:
        learning_rate: Positive, or a schedule: how far a step goes, relative to the weights.
        beta_2_decay: Of the squares 1 - t^beta_2_decay are kept in step t.
        epsilon_1: Added to the square of each gradient.
        epsilon_2: The least root mean square of the weights that a step is relative to.
        clip_threshold: The largest root mean square of an update, before the learning rate.
        relative_step: Whether the learning rate is at most 1 / sqrt(t) in step t.
        **common: What all optimizers of Keras take.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        *,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **common: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **common)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def build(self, variables: list[keras.Variable]) -> None:
        """Create the slots for `variables`: what is left of the squares without one of the last two dimensions."""
        if self.built:
            return
        super().build(variables)
        self._rows: list[keras.Variable | None] = []
        self._columns: list[keras.Variable | None] = []
        self._squares: list[keras.Variable | None] = []
        for variable in variables:
            shape, factored = tuple(variable.shape), len(variable.shape) >= 2
            self._rows.append(self._slot(shape[:-1], variable, "rows") if factored else None)
            self._columns.append(self._slot((*shape[:-2], shape[-1]), variable, "columns") if factored else None)
            self._squares.append(None if factored else self._slot(shape, variable, "squares"))

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        gradient, rate = (ops.cast(value, variable.dtype) for value in (gradient, learning_rate))
        step = ops.cast(self.iterations + 1, variable.dtype)
        if self.relative_step:
            rate = ops.minimum(rate, 1 / ops.sqrt(step))
        update = self._divided_by_root(gradient, self._get_variable_index(variable), ops.power(step, self.beta_2_decay))
        update /= ops.maximum(1.0, _root_mean_square(update) / self.clip_threshold)
        self.assign_sub(variable, rate * ops.maximum(self.epsilon_2, _root_mean_square(variable)) * update)

    def _divided_by_root(self, gradient: Any, index: int, new: Any) -> Any:
        """Return the gradient over the root of the mean squares, of which the share ``new`` is that of now."""
        square = ops.square(gradient) + self.epsilon_1
        rows, columns, squares = self._rows[index], self._columns[index], self._squares[index]
        if squares is not None:
            self.assign_add(squares, new * (square - squares))
            return gradient / ops.sqrt(squares)
        self.assign_add(rows, new * (ops.mean(square, axis=-1) - rows))
        self.assign_add(columns, new * (ops.mean(square, axis=-2) - columns))
        # One root after the other: the product of two small squares is 0 in float32.
        share = ops.sqrt(rows / ops.mean(rows, axis=-1, keepdims=True))
        return gradient / ops.expand_dims(share, -1) / ops.expand_dims(ops.sqrt(columns), -2)

    def _slot(self, shape: tuple[int, ...], of: keras.Variable, name: str) -> keras.Variable:
        return self.add_variable(shape=shape, dtype=of.dtype, name=f"{of.path.replace('/', '_')}_{name}")

    def get_config(self) -> dict[str, Any]:
        """Return what makes the same optimizer again, without what it has come to."""
        names = ("beta_2_decay", "epsilon_1", "epsilon_2", "clip_threshold", "relative_step")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


def _root_mean_square(values: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(values)))

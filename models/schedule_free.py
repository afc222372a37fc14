"""AdamW without a schedule: it trains at one point, and is evaluated at the mean of all others that it went through."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from models.update_rules import DecayWithinTheRule, serializable


@serializable
class ScheduleFreeAdamW(DecayWithinTheRule):
    """Defazio et al., "The road less scheduled" (2024), algorithm 1.

    The weights ``z`` make Adam's steps without its momentum, with a gradient that is taken, and a decay that is
    worked out, at ``y = (1 - beta_1) z + beta_1 x``; ``x`` is the mean of all ``z``, each weighted by the square of
    its learning rate, and what one evaluates with. The model's variables are ``y``, and ``z`` is a slot; ``x``
    follows from the two. Keras' class of this name validates and saves ``y``, and weights all ``z`` alike.

    The bias of the mean square is corrected there, as in the authors' code (github.com/facebookresearch/schedule_free),
    and not in the learning rate as in the paper, which they found unstable on some problems. The learning rate must
    not fall: a warm-up is in the rate that is given, and comes instead of any other schedule.

    Args:
        learning_rate: Positive, or a warm-up to it.
        beta_1: How near to ``x`` the gradient is taken; more than 0, or ``x`` would be lost.
        beta_2: The share of the mean square of the gradients that is kept in a step.
        epsilon: Added to its root, corrected for its bias.
        **common: What all optimizers of Keras take.
    """

    def __init__(
        self,
        learning_rate: Any = 0.0025,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        **common: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, **common)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def build(self, variables: list[keras.Variable]) -> None:
        """Create the slots for `variables`; ``x`` and ``z`` begin where these are now."""
        if self.built:
            return
        with tf.init_scope():  # once, even where the first step is being traced
            super().build(variables)
            self._stepped, self._squares = self.add_optimizer_variables(variables, ["stepped", "velocity"])
            for stepped, variable in zip(self._stepped, variables, strict=True):
                self.assign(stepped, variable)
            # In float64: a step's share of the sum soon is less than what float32 can tell apart.
            self._weights_so_far = self.add_variable(shape=(), dtype="float64", name="weights_so_far")

    def weights_to_evaluate(self, variables: Sequence[Any]) -> list[Any]:
        """Return ``x`` for each of the model's trainable variables, as tensors; nothing is assigned."""
        slots = [self._stepped[self._get_variable_index(variable)] for variable in variables]
        pairs = zip(variables, slots, strict=True)
        return [(variable - (1 - self.beta_1) * stepped) / self.beta_1 for variable, stepped in pairs]

    def _backend_update_step(self, grads: list[Any], trainable_variables: list[Any], learning_rate: Any) -> None:
        self.assign_add(self._weights_so_far, ops.square(ops.cast(learning_rate, "float64")))
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable, ``y``, and its ``z``."""
        cast = partial(ops.cast, dtype=variable.dtype)
        index = self._get_variable_index(variable)
        stepped, squares = self._stepped[index], self._squares[index]
        gradient, rate = cast(gradient), cast(learning_rate)
        self.assign_add(squares, (ops.square(gradient) - squares) * (1 - self.beta_2))
        unbiased = squares / (1 - ops.power(cast(self.beta_2), cast(self.iterations + 1)))
        step = gradient / (ops.sqrt(unbiased) + self.epsilon)
        if decay := self.decay_of(variable):
            step += decay * variable
        step *= rate
        share = cast(ops.square(ops.cast(learning_rate, "float64")) / self._weights_so_far)
        # With x put in: y moves towards z by its share in the mean, and, by as much as y is near z, along its step.
        moved = variable + share * (stepped - variable) - (1 - self.beta_1 * (1 - share)) * step
        self.assign(variable, moved)
        self.assign_sub(stepped, step)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the same optimizer again, without what it has come to."""
        own = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **own}

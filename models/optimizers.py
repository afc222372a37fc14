"""Optimizers by name. Weight decay is Keras' decoupled one (w -= w * decay * learning rate), biases excepted.

Decoupled: Loshchilov, Hutter, "Decoupled weight decay regularization" (2019). Since Keras decouples it
everywhere, `adam` and `adamw` differ in name only, and neither decays unless asked to.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from models.choice import choose

_serializable = keras.saving.register_keras_serializable(package="lenet_pipeline")


class _BiasesKept(keras.optimizers.Optimizer):
    """Keeps biases from decaying.

    In `build`, and not by a call after construction: Keras does not save the exclusion, so an optimizer that
    is loaded with its model has to make it again.
    """

    def build(self, variables: list[keras.Variable]) -> None:
        """Create the slots for `variables`."""
        if not self.built:
            # Not var_names=["bias"]: under TensorFlow Keras looks for that in "model/layer/kernel:0", and so
            # would also find a layer called "unbiased".
            biases = [variable for variable in variables if variable.name == "bias"]
            self.exclude_from_weight_decay(var_list=biases)
        super().build(variables)


@_serializable
class SGD(_BiasesKept, keras.optimizers.SGD):
    """Momentum: Sutskever et al., "On the importance of initialization and momentum" (2013)."""


@_serializable
class RMSprop(_BiasesKept, keras.optimizers.RMSprop):
    """Tieleman, Hinton, "Neural networks for machine learning", lecture 6.5 (2012); epsilon in the root."""


class _StepSizeOnce(_BiasesKept, keras.optimizers.Adam):
    """Works the step size out once a step, and not for each variable again: the same numbers with fewer operations."""

    def _backend_update_step(self, grads: list[Any], trainable_variables: list[Any], learning_rate: Any) -> None:
        cast = partial(ops.cast, dtype=trainable_variables[0].dtype)
        step = cast(self.iterations + 1)
        bias_1, bias_2 = (1 - ops.power(cast(beta), step) for beta in (self.beta_1, self.beta_2))
        step_size = cast(learning_rate) * ops.sqrt(bias_2) / bias_1
        super()._backend_update_step(grads, trainable_variables, step_size)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable; ``learning_rate`` is the step size, in which both biases are corrected."""
        gradient = ops.cast(gradient, variable.dtype)
        index = self._get_variable_index(variable)
        mean, square = self._momentums[index], self._velocities[index]
        self.assign_add(mean, (gradient - mean) * (1 - self.beta_1))
        self.assign_add(square, (ops.square(gradient) - square) * (1 - self.beta_2))
        self.assign_sub(variable, mean * learning_rate / (ops.sqrt(square) + self.epsilon))


@_serializable
class Adam(_StepSizeOnce):
    """Kingma, Ba, "Adam: a method for stochastic optimization" (2015), with the epsilon of section 2."""


@_serializable
class AdamW(_StepSizeOnce):
    """Adam with decoupled weight decay. Not from Keras' AdamW, the same code, which refuses to have none."""


@_serializable
class Nadam(_BiasesKept, keras.optimizers.Nadam):
    """Dozat, "Incorporating Nesterov momentum into Adam" (2016); 0.96^t where he has 0.96^(t / 250)."""


@_serializable
class Adagrad(_BiasesKept, keras.optimizers.Adagrad):
    """Duchi, Hazan, Singer, "Adaptive subgradient methods" (2011); the sum of squares starts at 0.1."""


@_serializable
class Lion(_BiasesKept, keras.optimizers.Lion):
    """Chen et al., "Symbolic discovery of optimization algorithms" (2023)."""


class Recipe(NamedTuple):
    """An optimizer class, and the defaults of the hyperparameters that are its own."""

    kind: type[keras.optimizers.Optimizer]
    hyperparameters: Mapping[str, float | bool] = {}


OPTIMIZERS: dict[str, Recipe] = {
    "adagrad": Recipe(Adagrad),
    "adam": Recipe(Adam),
    "adamw": Recipe(AdamW),
    "lion": Recipe(Lion),
    "momentum": Recipe(SGD, {"momentum": 0.9, "nesterov": False}),
    "nadam": Recipe(Nadam),
    "rmsprop": Recipe(RMSprop, {"momentum": 0.0}),
    "sgd": Recipe(SGD),
}


def hyperparameters(name: str) -> dict[str, float | bool]:
    """Return the hyperparameters that the optimizer `name` has of its own, with their defaults."""
    return dict(choose("optimizer", OPTIMIZERS, name).hyperparameters)


def make_optimizer(
    name: str,
    *,
    learning_rate: float | LearningRateSchedule,
    weight_decay: float = 0.0,
    **given: float | bool,
) -> keras.optimizers.Optimizer:
    """Make the optimizer `name` of OPTIMIZERS, not yet built.

    Args:
        name: a name in OPTIMIZERS.
        learning_rate: positive, or a schedule over steps.
        weight_decay: the share of each kernel, times the learning rate, that a step takes away; 0 is none.
        given: hyperparameters of the optimizer's own: `momentum`, at least 0 and less than 1, and `nesterov`,
            which needs a momentum.

    Raises:
        ValueError: an unknown name, a value out of bounds, or a hyperparameter that the optimizer lacks.
    """
    recipe = choose("optimizer", OPTIMIZERS, name)
    for hyperparameter in given:
        if hyperparameter not in recipe.hyperparameters:
            owners = [other for other in OPTIMIZERS if hyperparameter in OPTIMIZERS[other].hyperparameters]
            raise ValueError(
                f"optimizer {name!r} has no hyperparameter {hyperparameter!r}; "
                f"those with one: {', '.join(sorted(owners)) or 'none'}"
            )
    values = {**recipe.hyperparameters, **given}
    _check(learning_rate, weight_decay, values)
    if "momentum" in values:
        values["momentum"] = float(values["momentum"])  # Keras takes no int
    if not isinstance(learning_rate, LearningRateSchedule):
        learning_rate = float(learning_rate)
    # None, not 0.0: with a number Keras would multiply every kernel in every step.
    decay = float(weight_decay) if weight_decay else None
    # A name, because Keras would count the optimizers made so far: "adam_7".
    return recipe.kind(learning_rate=learning_rate, weight_decay=decay, name=name, **values)


def _check(
    learning_rate: float | LearningRateSchedule, weight_decay: float, values: Mapping[str, float | bool]
) -> None:
    is_schedule = isinstance(learning_rate, LearningRateSchedule)
    if not is_schedule and not (learning_rate > 0 and math.isfinite(learning_rate)):
        raise ValueError(f"learning_rate must be positive and finite; received {learning_rate}")
    if not (weight_decay >= 0 and math.isfinite(weight_decay)):
        raise ValueError(f"weight_decay must be finite and not negative; received {weight_decay}")
    momentum = values.get("momentum", 0.0)
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum must be at least 0 and less than 1; received {momentum}")
    if values.get("nesterov") and not momentum:
        raise ValueError(f"nesterov needs a momentum greater than 0; received {momentum}")

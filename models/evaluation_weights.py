"""The weights that a model is evaluated with, where these are not the ones that its optimizer moves.

Averages of the weights along the way do better than the last ones (Polyak, Juditsky, "Acceleration of stochastic
approximation by averaging", 1992). An optimizer has some if Keras' ``use_ema`` keeps a moving average for it, or if it
has a method ``weights_to_evaluate(variables)`` that returns a tensor for each of these variables. What AlgoPerf calls
``prepare_for_eval`` is the model of this hook (Dahl et al., "Benchmarking neural network training algorithms", 2023).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf


@contextmanager
def evaluation_weights(model: keras.Model) -> Iterator[None]:
    """Let a compiled model hold the weights to evaluate with; after the block it has its own again, bit for bit.

    A model whose optimizer has no others is left as it is, and nothing is copied. Statistics that batch normalisation
    keeps are no trainable weights: they stay those of training.
    """
    others = _others(model)
    if others is None:
        yield
        return
    variables = model.trainable_variables
    own = [tf.identity(variable.value) for variable in variables]
    _assign(variables, others)
    try:
        yield
    finally:
        _assign(variables, own)


def hold_evaluation_weights(model: keras.Model) -> None:
    """Give a compiled model the weights to evaluate with, for good: it is not trained any more."""
    others = _others(model)
    if others is not None:
        _assign(model.trainable_variables, others)


def moving(optimizer: Any) -> Any:
    """Return the optimizer that moves the weights: itself, or the one that it scales the loss for."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def _others(model: keras.Model) -> list[tf.Tensor] | None:
    """Return the weights to evaluate with, one for each trainable variable; none: those that it has."""
    optimizer, variables = moving(model.optimizer), model.trainable_variables
    if hasattr(optimizer, "weights_to_evaluate"):
        return [tf.convert_to_tensor(weight) for weight in optimizer.weights_to_evaluate(variables)]
    # Keras' averages are zeros at first; up to the end of the first update they become the weights.
    if not optimizer.use_ema or not int(optimizer.iterations):
        return None
    # Keras' public way writes them over the weights in the order of all that it was built with, frozen or not.
    averages = optimizer._model_variables_moving_average  # noqa: SLF001
    place = optimizer._get_variable_index  # noqa: SLF001
    return [tf.identity(averages[place(variable)].value) for variable in variables]


def _assign(variables: Sequence[keras.Variable], values: Sequence[tf.Tensor]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)

"""A person's own loss, asked about a few examples: what no training could go by, or pass on, is told."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from tasks.building.optimizer_trial import CONFIG
from tasks.building.tiny_training import in_a_line
from tasks.foundation.errors import InputError

EXAMPLES, CLASSES = 4, 3
LABELS = np.array([0, 1, 2, 0], np.int32)
WEIGHTS = np.array([0.0, 0.5, 1.0, 2.0], np.float32)  # of examples, as class_weight and mixup have them
HOW = (
    "labels are whole numbers as floats (`ops.cast(labels, 'int32')` for what needs them whole), and the number of "
    "classes is `logits.shape[-1]`"
)


def require_sound_loss(name: str, loss: keras.losses.Loss) -> None:
    """Raise InputError unless a loss gives a number for each example, with a gradient, and is the same once stored."""
    logits = _logits(-1.0, 1.0)
    try:
        each = _of_each(name, loss, logits)
        value, gradient = _in_a_graph(loss, logits)
        _, of_negative = _in_a_graph(loss, _logits(-3.0, -0.5))
        weighted, _ = _in_a_graph(loss, logits, WEIGHTS)
    except InputError:
        raise
    except Exception as error:  # whatever a person's code raises
        raise InputError(f"{name} fails for labels (4,) and logits (4, 3): {in_a_line(error)}; {HOW}") from error
    if not np.isfinite(value) or not np.isfinite(gradient).all():
        raise InputError(f"{name} gives {value:g} with the gradient {gradient}; allowed: finite numbers")
    if not np.isclose(weighted, np.mean(each * WEIGHTS), rtol=1e-3, atol=1e-5):
        raise InputError(
            f"{name} takes no notice of how much each example counts (sample_weight); let it have a `call` alone, "
            "and leave `__call__` to Keras"
        )
    if (of_negative[np.arange(EXAMPLES), LABELS] >= 0).all():
        raise InputError(
            f"{name} does not fall as the logit of the right class rises, if logits are negative; allowed: a loss of "
            "logits, and not of probabilities (for Keras' own from_logits=True)"
        )
    _require_stored(name, loss, logits, value)


def _of_each(name: str, loss: keras.losses.Loss, logits: tf.Tensor) -> np.ndarray:
    """Return what a loss gives for each example. Raises InputError if that is anything else."""
    each = np.asarray(loss.call(tf.cast(LABELS, tf.float32), logits))
    if each.shape != (EXAMPLES,):
        raise InputError(
            f"{name}: `call` returns values of shape {each.shape} for 4 examples; allowed: one for each, (4,)"
        )
    return each


def _require_stored(name: str, loss: keras.losses.Loss, logits: tf.Tensor, value: float) -> None:
    """Raise InputError unless a loss that is made from its own configuration gives the value that it gave."""
    try:
        again, _ = _in_a_graph(type(loss).from_config(loss.get_config()), logits)
    except Exception as error:
        raise InputError(
            f"{name} cannot be made from what its own `get_config` returns: {type(error).__name__}: {error}; {CONFIG}, "
            "and the constructor to take what it returns"
        ) from error
    if again != value:
        raise InputError(f"{name} made from its own `get_config` gives {again!r}, and before {value!r}: {CONFIG}")


def _logits(lowest: float, highest: float) -> tf.Tensor:
    return tf.constant(np.linspace(lowest, highest, EXAMPLES * CLASSES).reshape(EXAMPLES, CLASSES), tf.float32)


def _in_a_graph(
    loss: keras.losses.Loss, logits: tf.Tensor, weights: np.ndarray | None = None
) -> tuple[float, np.ndarray]:
    """Return the mean loss of the examples and its gradient, NaN if it has none, from a graph for any number."""
    any_number = [tf.TensorSpec((None,), tf.int32), tf.TensorSpec((None, CLASSES), tf.float32)]
    given = {} if weights is None else {"sample_weight": weights}

    @tf.function(autograph=False, input_signature=any_number)  # as validation and test are asked
    def of(labels: tf.Tensor, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(labels, logits, **given)
        gradient = tape.gradient(value, logits)
        return value, tf.fill(tf.shape(logits), float("nan")) if gradient is None else gradient

    value, gradient = of(LABELS, logits)
    return float(value), np.asarray(gradient)

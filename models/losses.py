"""Losses by name.

`l1`, `mse` and `smooth_l1` are plain functions; `make_loss` makes a loss between integer labels and logits.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from models.choice import choose
from models.label_loss import LabelLoss, Tensor, one_hot

HYPERPARAMETERS: Mapping[str, float] = {"label_smoothing": 0.0, "smooth_l1_beta": 1.0}

_serializable = keras.saving.register_keras_serializable(package="lenet_pipeline")


def l1(targets: Tensor, predictions: Tensor) -> Tensor:
    """Mean of |prediction - target| over all elements, a scalar. ValueError where the shapes differ."""
    return keras.losses.mean_absolute_error(*_flat(targets, predictions))


def mse(targets: Tensor, predictions: Tensor) -> Tensor:
    """Mean of (prediction - target)^2 over all elements, a scalar. ValueError where the shapes differ."""
    return keras.losses.mean_squared_error(*_flat(targets, predictions))


def smooth_l1(targets: Tensor, predictions: Tensor, beta: float = 1.0) -> Tensor:
    """Mean over all elements of d^2 / (2 beta) where |d| < beta, else |d| - beta / 2; a scalar.

    d = prediction - target. Girshick, "Fast R-CNN" (2015), equation 3; beta as in MindSpore and PyTorch.
    ValueError where the shapes differ or beta is not positive.
    """
    return _smooth_l1(*_flat(targets, predictions), _positive_beta(beta))


@_serializable
class SoftmaxCrossEntropy(LabelLoss):
    """-log softmax(logits)[label]; smoothing s moves s of the target evenly to all classes.

    Smoothing: Szegedy et al., "Rethinking the Inception architecture for computer vision" (2016), section 7.
    """

    hyperparameters = ("label_smoothing",)

    def __init__(self, label_smoothing: float = 0.0, **base: Any) -> None:
        super().__init__(**base)
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be at least 0 and less than 1; received {label_smoothing}")
        self.label_smoothing = float(label_smoothing)

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return softmax(logits): the probability of each class (batch, classes)."""
        return ops.softmax(ops.convert_to_tensor(logits), axis=-1)

    def _per_example(self, labels: Tensor, logits: Tensor) -> Tensor:
        if self.label_smoothing == 0:  # the same number without a one-hot array
            return keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        targets = one_hot(labels, logits)
        smoothing = self.label_smoothing
        return keras.losses.categorical_crossentropy(targets, logits, from_logits=True, label_smoothing=smoothing)


@_serializable
class L1(LabelLoss):
    """Mean over the classes of |logit - one-hot label|."""

    def _per_example(self, labels: Tensor, logits: Tensor) -> Tensor:
        return keras.losses.mean_absolute_error(one_hot(labels, logits), logits)


@_serializable
class MeanSquaredError(LabelLoss):
    """Mean over the classes of (logit - one-hot label)^2."""

    def _per_example(self, labels: Tensor, logits: Tensor) -> Tensor:
        return keras.losses.mean_squared_error(one_hot(labels, logits), logits)


@_serializable
class SmoothL1(LabelLoss):
    """Mean over the classes of the smooth L1 distance between logit and one-hot label."""

    hyperparameters = ("smooth_l1_beta",)

    def __init__(self, smooth_l1_beta: float = 1.0, **base: Any) -> None:
        super().__init__(**base)
        self.smooth_l1_beta = _positive_beta(smooth_l1_beta)

    def _per_example(self, labels: Tensor, logits: Tensor) -> Tensor:
        return _smooth_l1(one_hot(labels, logits), logits, self.smooth_l1_beta)


LOSSES: dict[str, type[LabelLoss]] = {
    "l1": L1,
    "mse": MeanSquaredError,
    "smooth_l1": SmoothL1,
    "softmax_cross_entropy": SoftmaxCrossEntropy,
}


def make_loss(name: str, *, label_smoothing: float = 0.0, smooth_l1_beta: float = 1.0) -> keras.losses.Loss:
    """Make the loss `name` of LOSSES: integer labels (batch,) against logits (batch, classes).

    Args:
        name: a name in LOSSES.
        label_smoothing: at least 0, less than 1; of softmax_cross_entropy only.
        smooth_l1_beta: positive, in units of the logits; of smooth_l1 only.

    Raises:
        ValueError: an unknown name, a value out of bounds, or a hyperparameter that the loss does not have.
    """
    kind = choose("loss", LOSSES, name)
    given = {"label_smoothing": label_smoothing, "smooth_l1_beta": smooth_l1_beta}
    for hyperparameter, value in given.items():
        if hyperparameter not in kind.hyperparameters and value != HYPERPARAMETERS[hyperparameter]:
            owners = [other for other in sorted(LOSSES) if hyperparameter in LOSSES[other].hyperparameters]
            raise ValueError(
                f"loss {name!r} has no hyperparameter {hyperparameter!r}; those with one: {', '.join(owners)}"
            )
    return kind(name=name, **{own: given[own] for own in kind.hyperparameters})


def _smooth_l1(targets: Tensor, predictions: Tensor, beta: float) -> Tensor:
    # Huber's loss with delta = beta is beta times smooth L1.
    return keras.losses.huber(targets, predictions, delta=beta) / beta


def _flat(targets: Tensor, predictions: Tensor) -> tuple[Tensor, Tensor]:
    targets = ops.convert_to_tensor(targets, dtype=keras.config.floatx())
    predictions = ops.convert_to_tensor(predictions, dtype=keras.config.floatx())
    shapes = tuple(targets.shape), tuple(predictions.shape)
    if shapes[0] != shapes[1]:
        raise ValueError(f"targets and predictions must have the same shape; received {shapes[0]} and {shapes[1]}")
    return ops.reshape(targets, (-1,)), ops.reshape(predictions, (-1,))


def _positive_beta(beta: float) -> float:
    if not (beta > 0 and math.isfinite(beta)):
        raise ValueError(f"the beta of smooth L1 must be positive and finite; received {beta}")
    return float(beta)

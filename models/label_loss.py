"""What every loss here shares: integer labels meet logits in exactly one way, or not at all."""

from __future__ import annotations

import math
from typing import Any, ClassVar, TypeAlias

import keras
from keras import ops

Tensor: TypeAlias = Any  # an array, a nested list, or whatever the Keras backend computes with


class LabelLoss(keras.losses.Loss):
    """A loss of integer labels (batch,) and logits (batch, classes); a subclass gives `_per_example`.

    `call` returns one value for each example; calling the loss returns their mean. Other shapes, and labels
    that are not integers, raise ValueError: nothing is broadcast, squeezed or rounded. A label that names no
    class gives NaN (on a CPU, softmax_cross_entropy without label smoothing raises instead).
    """

    hyperparameters: ClassVar[tuple[str, ...]] = ()

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> Tensor:
        """Return the mean loss, weighted by `sample_weight` (batch,) where given; a scalar."""
        labels = ops.convert_to_tensor(y_true)
        # Only possible here: the base class turns the labels into floats before `call` sees them.
        if "int" not in keras.backend.standardize_dtype(labels.dtype):
            raise ValueError(f"labels must be integers; received {labels.dtype} of shape {labels.shape}")
        return super().__call__(labels, y_pred, sample_weight)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the losses (batch,) of labels `y_true` and logits `y_pred`, after a look at their shapes."""
        labels, logits = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        _check_shapes(labels, logits)
        return self._per_example(labels, logits)

    def _per_example(self, labels: Tensor, logits: Tensor) -> Tensor:
        raise NotImplementedError

    def probabilities(self, logits: Tensor) -> Tensor:
        """Return what a model that is trained with this loss estimates, from its logits (batch, classes), so shaped.

        For a regression to the one-hot label these are the logits themselves: near 0 and 1, but not within, nor do
        they sum to 1.
        """
        return ops.convert_to_tensor(logits)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the same loss again."""
        return {**super().get_config(), **{name: getattr(self, name) for name in self.hyperparameters}}


def one_hot(labels: Tensor, logits: Tensor) -> Tensor:
    """Return the labels (batch,) as rows of zeros with a 1, shaped and typed as the logits."""
    labels, classes = ops.cast(labels, "int64"), logits.shape[-1]
    # Keras encodes a label that names no class as zeros, from which a model would learn without a word.
    is_class = ops.expand_dims((labels >= 0) & (labels < classes), -1)
    targets = ops.where(is_class, ops.one_hot(labels, classes, dtype=logits.dtype), math.nan)
    # Where batch sizes are only known when a step runs, a single label would be broadcast to the batch.
    # Stacking refuses that; a reshape would too, but TensorFlow optimises it away.
    return ops.stack([targets, ops.stop_gradient(logits)])[0]


def _check_shapes(labels: Tensor, logits: Tensor) -> None:
    # TensorFlow's shape of unknown rank can be neither measured nor unpacked.
    shapes = [None if getattr(tensor.shape, "rank", 0) is None else tuple(tensor.shape) for tensor in (labels, logits)]
    match shapes:
        case [(size,), (other, int(classes))] if classes >= 2 and (size == other or None in (size, other)):
            return
    raise ValueError(
        "expected integer labels of shape (batch,) and logits of shape (batch, classes), 2 classes or more; "
        f"received labels of shape {shapes[0]} and logits of shape {shapes[1]}"
    )

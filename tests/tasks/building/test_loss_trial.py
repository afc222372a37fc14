"""What a person's own loss is asked before training begins; each fault is one that people make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import pytest
import tensorflow as tf
from keras import ops

from tasks.building.loss_trial import require_sound_loss
from tasks.foundation.errors import InputError

cross_entropy = keras.losses.sparse_categorical_crossentropy


def right_class(labels: Any, logits: Any) -> Any:
    return ops.one_hot(ops.cast(labels, "int32"), logits.shape[-1])


def loss_of(function: Callable[[Any, Any], Any]) -> keras.losses.Loss:
    class Mine(keras.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            return function(y_true, y_pred)

    return Mine()


class Unweighted(keras.losses.Loss):
    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:  # noqa: ARG002
        return ops.mean(self.call(y_true, y_pred))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return cross_entropy(y_true, y_pred, from_logits=True)


class WithoutItsArgument(keras.losses.Loss):
    def __init__(self, gamma: float) -> None:
        super().__init__()
        self.gamma = gamma

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return self.gamma * cross_entropy(y_true, y_pred, from_logits=True)


@pytest.mark.parametrize(
    "function",
    [
        lambda labels, logits: cross_entropy(labels, logits, from_logits=True),
        lambda labels, logits: cross_entropy(labels, ops.softmax(logits)),
        lambda labels, logits: ops.mean(ops.abs(right_class(labels, logits) - logits), -1),
        lambda labels, logits: ops.relu(1 + ops.max(logits, -1) - ops.sum(right_class(labels, logits) * logits, -1)),
    ],
    ids=["cross entropy", "of probabilities that it makes", "l1", "hinge"],
)
def test_losses_of_logits_pass(function: Callable[[Any, Any], Any]) -> None:
    require_sound_loss("mine.py:Mine", loss_of(function))


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (keras.losses.SparseCategoricalCrossentropy(), "does not fall as the logit of the right class rises"),
        (
            loss_of(lambda labels, logits: keras.losses.binary_crossentropy(right_class(labels, logits), logits)),
            "a loss of logits, and not of probabilities",
        ),
        (Unweighted(), r"takes no notice of how much each example counts \(sample_weight\)"),
        (WithoutItsArgument(2.0), "cannot be made from what its own `get_config` returns: TypeError"),
        (
            loss_of(lambda labels, logits: cross_entropy(labels, logits, from_logits=True) * logits.numpy().max()),
            "fails for labels .* has no attribute 'numpy'; labels are whole numbers as floats",
        ),
        (
            loss_of(lambda labels, logits: cross_entropy(labels, logits, from_logits=True) / float(labels.shape[0])),
            "fails for labels .* TypeError",
        ),
        (loss_of(lambda labels, logits: tf.one_hot(labels, 3)[:, 0] * logits[:, 0]), "'TI' of float .*ops.cast"),
        (loss_of(lambda labels, _: labels), r"gives 0.75 with the gradient \[\[nan"),
    ],
)
def test_what_no_training_could_go_by_is_told(loss: keras.losses.Loss, words: str) -> None:
    with pytest.raises(InputError, match=f"(?s)mine.py:Mine.*{words}"):
        require_sound_loss("mine.py:Mine", loss)

"""The training step and the evaluation step, many of them in one TensorFlow call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

import keras
import numpy as np
import tensorflow as tf

from models.augmentation import Augmentation, Batch
from models.class_weights import Weights, weighted
from models.clipping import counted_clipping
from models.fused_normalization import trained_logits
from models.measures import ClassMeasures, among_largest, balanced_accuracy, class_measures, macro_f1

TOP, MOST_WITHOUT_TOP = 5, 10  # with more classes than that it is asked, too, whether a label is among the five largest
NOTHING = np.empty(0)


class TrainedSteps(NamedTuple):
    """What a block of training steps came to.

    Attributes:
        losses: float32 of shape (steps,), each the mean over its batch, before the step's update.
        learning_rates: float32 of shape (steps,).
        right: How many examples were classified rightly, each before its step's update; int32. Of mixed
            images the label of the heavier one counts.
        clipping: Updates, and how many of these were clipped, int64 of shape (2,); none where none ever is.
    """

    losses: Any
    learning_rates: Any
    right: Any
    clipping: Any = None


class Evaluated(NamedTuple):
    """What a model makes of a block: mean loss, predicted labels (int32, (examples,)), logits (examples, classes)."""

    loss: Any
    predicted: Any
    logits: Any


TrainSteps = Callable[..., TrainedSteps]  # of a block: images, labels and, with augmentation, appearances


class Score(NamedTuple):
    """How well a model does over a split.

    Attributes:
        loss: The mean over its examples; ``accuracy`` is the share of right ones.
        labels: int32 of shape (examples,); ``predicted`` likewise.
        classes: How many there are.
        top_5_accuracy: The share of labels among the five largest logits; none for ten classes or fewer.
        kept: What was to be kept of the logits, of shape (examples, classes); empty if nothing was.
    """

    loss: float
    accuracy: float
    labels: np.ndarray
    predicted: np.ndarray
    classes: int
    top_5_accuracy: float | None = None
    kept: np.ndarray = NOTHING

    def by_class(self) -> ClassMeasures:
        """Return how well each class is told from the others."""
        return class_measures(self.labels, self.predicted, self.classes)

    def measures(self) -> dict[str, float]:
        """Return all measures but the loss, by their names."""
        by_class = self.by_class()
        measures = {
            "accuracy": self.accuracy,
            "balanced_accuracy": balanced_accuracy(by_class),
            "macro_f1": macro_f1(by_class),
        }
        return measures if self.top_5_accuracy is None else {**measures, "top_5_accuracy": self.top_5_accuracy}


def make_train_steps(
    model: keras.Model, batch_size: int, augmentation: Augmentation | None = None, class_weights: Weights = None
) -> TrainSteps:
    """Return a function that trains ``model`` on a block of examples, one step a batch, in their order.

    One call for many steps keeps Python out of the loop, and gives the true loss of every single step. How a split
    is cut into blocks changes no number, as long as each block but the last holds whole batches.

    Args:
        model: Compiled: its loss is minimised by its optimizer.
        batch_size: Examples in one step; the last step of a block takes what is left.
        augmentation: What is done to the images first; none: nothing, which costs nothing.
        class_weights: How much an example of each class counts in the loss, by label, float32; none: all alike.

    Returns:
        A function to `TrainedSteps` from images, labels and, with augmentation, what `Augmentation.numbers` takes.
    """
    loss, optimizer, variables = weighted(model.loss, class_weights), model.optimizer, model.trainable_variables
    clipping = counted_clipping(model)

    @tf.function(jit_compile=False, input_signature=_blocks_for(model, appearances=augmentation is not None))
    def train_steps(images: tf.Tensor, labels: tf.Tensor, *appearances: tf.Tensor) -> TrainedSteps:
        steps = (tf.shape(labels)[0] + batch_size - 1) // batch_size
        losses, rates = _one_each(steps), _one_each(steps)
        right = tf.constant(0)
        numbers = augmentation.numbers(*appearances) if augmentation else {}
        for step in tf.range(steps):
            start = step * batch_size
            batch = _batch(images, labels, augmentation, numbers, start=start, end=start + batch_size)
            with tf.GradientTape() as tape:
                logits = trained_logits(model, batch.images)
                batch_loss = batch.loss(loss, logits)
                scaled = optimizer.scale_loss(batch_loss)  # itself, but for float16
            losses, rates = losses.write(step, batch_loss), rates.write(step, optimizer.learning_rate)
            gradients = tape.gradient(scaled, variables)
            optimizer.apply_gradients(zip(gradients, variables, strict=True))  # not `apply`: people override either
            right += tf.reduce_sum(tf.cast(_predicted(logits) == batch.labels, tf.int32))
        return TrainedSteps(losses.stack(), rates.stack(), right, clipping.taken() if clipping else None)

    return cast("TrainSteps", train_steps)


def make_evaluate_step(model: keras.Model) -> Callable[[Any, Any], Evaluated]:
    """Return a function from (images, labels) to `Evaluated`."""

    @tf.function(autograph=False, jit_compile=False, input_signature=_blocks_for(model))  # there is no loop to rewrite
    def evaluate_step(images: tf.Tensor, labels: tf.Tensor) -> Evaluated:
        logits = model(images, training=False)
        return Evaluated(model.loss(labels, logits), _predicted(logits), logits)

    return cast("Callable[[Any, Any], Evaluated]", evaluate_step)


def loss_of(model: keras.Model, images: Any, labels: Any) -> float:
    """Return the mean loss of a compiled model over a few examples, without a graph of its own: images, labels."""
    return float(model.loss(labels, model(images, training=False)))


def score(
    evaluate_step: Callable[[Any, Any], Evaluated],
    blocks: Iterable[tuple[Any, Any]],
    keep: Callable[[Any], np.ndarray] | None = None,
) -> Score:
    """Return how well a model does over all examples of ``blocks``, each (images, labels).

    ``keep`` makes of a block's logits what is to be kept of them, in so many rows; none: nothing is.
    """
    loss_sum, labels, predicted, kept, in_top, classes = 0.0, [], [], [], 0, 0
    for block_images, block_labels in blocks:
        block = evaluate_step(block_images, block_labels)
        loss_sum += float(block.loss) * len(block_labels)
        labels.append(np.asarray(block_labels))
        predicted.append(np.asarray(block.predicted))
        classes = block.logits.shape[1]
        if classes > MOST_WITHOUT_TOP:
            in_top += int(among_largest(np.asarray(block.logits), labels[-1], TOP).sum())
        if keep:
            kept.append(keep(block.logits))
    all_labels, all_predicted = np.concatenate(labels), np.concatenate(predicted)
    return Score(
        loss=loss_sum / len(all_labels),
        accuracy=float(np.mean(all_labels == all_predicted)),
        labels=all_labels,
        predicted=all_predicted,
        classes=classes,
        top_5_accuracy=in_top / len(all_labels) if classes > MOST_WITHOUT_TOP else None,
        kept=np.concatenate(kept) if kept else NOTHING,
    )


def _batch(
    images: tf.Tensor, labels: tf.Tensor, augmentation: Augmentation | None, numbers: Any, *, start: Any, end: Any
) -> Batch:
    """Return the examples of a block from ``start`` to ``end``, with ``numbers`` augmented if that is wanted."""
    batch = Batch(images[start:end], labels[start:end])
    if augmentation:
        return augmentation.batch(batch, {name: drawn[start:end] for name, drawn in numbers.items()})
    return batch


def _one_each(steps: tf.Tensor) -> tf.TensorArray:
    return tf.TensorArray(tf.float32, size=steps, element_shape=())


def _blocks_for(model: keras.Model, *, appearances: bool = False) -> list[tf.TensorSpec]:
    """Return what a block looks like: uint8 images and int32 labels, any number. One graph then serves every block.

    With ``appearances`` there is, too, what `Augmentation.numbers` takes.
    """
    parts = [tf.TensorSpec(model.input_shape, tf.uint8), tf.TensorSpec((None,), tf.int32)]
    return [*parts, tf.TensorSpec((None, 2), tf.int64)] if appearances else parts


def _predicted(logits: tf.Tensor) -> tf.Tensor:
    return tf.argmax(logits, axis=-1, output_type=tf.int32)

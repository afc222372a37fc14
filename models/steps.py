"""The training step and the evaluation step, many of them in one TensorFlow call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

import keras
import numpy as np
import tensorflow as tf

from models.augmentation import Augmentation, Batch


class TrainedSteps(NamedTuple):
    """What a block of training steps came to.

    Attributes:
        losses: float32 of shape (steps,), each the mean over its batch, before the step's update.
        learning_rates: float32 of shape (steps,).
        right: How many examples were classified rightly, each before its step's update; int32. Of mixed
            images the label of the heavier one counts.
    """

    losses: Any
    learning_rates: Any
    right: Any


TrainSteps = Callable[..., TrainedSteps]  # of a block: images, labels and, with augmentation, appearances


class Score(NamedTuple):
    """Mean loss and accuracy over a split, and behind them labels and predictions, int32 of shape (examples,)."""

    loss: float
    accuracy: float
    labels: np.ndarray
    predicted: np.ndarray


def make_train_steps(model: keras.Model, batch_size: int, augmentation: Augmentation | None = None) -> TrainSteps:
    """Return a function that trains ``model`` on a block of examples, one step a batch, in their order.

    One call for many steps keeps Python out of the loop, and gives the true loss of every single step. How a split
    is cut into blocks changes no number, as long as each block but the last holds whole batches.

    Args:
        model: Compiled: its loss is minimised by its optimizer.
        batch_size: Examples in one step; the last step of a block takes what is left.
        augmentation: What is done to the images first; none: nothing, which costs nothing.

    Returns:
        A function from (images, (examples, height, width, channels); integer labels, (examples,); with augmentation
        what `Augmentation.numbers` takes) to `TrainedSteps`.
    """
    loss, optimizer, variables = model.loss, model.optimizer, model.trainable_variables

    @tf.function(jit_compile=False, input_signature=_blocks_for(model, appearances=augmentation is not None))
    def train_steps(images: tf.Tensor, labels: tf.Tensor, *appearances: tf.Tensor) -> TrainedSteps:
        steps = (tf.shape(labels)[0] + batch_size - 1) // batch_size
        losses = tf.TensorArray(tf.float32, size=steps, element_shape=())
        rates = tf.TensorArray(tf.float32, size=steps, element_shape=())
        right = tf.constant(0)
        numbers = augmentation.numbers(*appearances) if augmentation else {}
        for step in tf.range(steps):
            start = step * batch_size
            batch = Batch(images[start : start + batch_size], labels[start : start + batch_size])
            if augmentation:
                mine = {name: drawn[start : start + batch_size] for name, drawn in numbers.items()}
                batch = augmentation.batch(batch, mine)
            with tf.GradientTape() as tape:
                logits = model(batch.images, training=True)
                batch_loss = batch.loss(loss, logits)
            losses = losses.write(step, batch_loss)
            rates = rates.write(step, optimizer.learning_rate)
            optimizer.apply(tape.gradient(batch_loss, variables), variables)
            right += tf.reduce_sum(tf.cast(_predicted(logits) == batch.labels, tf.int32))
        return TrainedSteps(losses.stack(), rates.stack(), right)

    return cast("TrainSteps", train_steps)


def make_evaluate_step(model: keras.Model) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Return a function from (images, labels) to (their mean loss; predicted labels, int32 of shape (examples,))."""

    @tf.function(autograph=False, jit_compile=False, input_signature=_blocks_for(model))  # there is no loop to rewrite
    def evaluate_step(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits = model(images, training=False)
        return model.loss(labels, logits), _predicted(logits)

    return cast("Callable[[Any, Any], tuple[Any, Any]]", evaluate_step)


def make_predict_step(model: keras.Model) -> Callable[[Any], tuple[Any, Any]]:
    """Return a function from images to (predicted labels, int32 of shape (examples,); logits, (examples, classes)).

    For the same images in the same blocks it predicts what `make_evaluate_step` does.
    """

    @tf.function(autograph=False, jit_compile=False, input_signature=_blocks_for(model)[:1])
    def predict_step(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits = model(images, training=False)
        return _predicted(logits), logits

    return cast("Callable[[Any], tuple[Any, Any]]", predict_step)


def loss_of(model: keras.Model, images: Any, labels: Any) -> float:
    """Return the mean loss of a compiled model over a few examples, without a graph of its own: images, labels."""
    return float(model.loss(labels, model(images, training=False)))


def score(evaluate_step: Callable[[Any, Any], tuple[Any, Any]], blocks: Iterable[tuple[Any, Any]]) -> Score:
    """Return how well a model does over all examples of ``blocks``, each (images, labels)."""
    loss_sum, labels, predicted = 0.0, [], []
    for block_images, block_labels in blocks:
        block_loss, block_predicted = evaluate_step(block_images, block_labels)
        loss_sum += float(block_loss) * len(block_labels)
        labels.append(np.asarray(block_labels))
        predicted.append(np.asarray(block_predicted))
    all_labels, all_predicted = np.concatenate(labels), np.concatenate(predicted)
    return Score(
        loss=loss_sum / len(all_labels),
        accuracy=float(np.mean(all_labels == all_predicted)),
        labels=all_labels,
        predicted=all_predicted,
    )


def _blocks_for(model: keras.Model, *, appearances: bool = False) -> list[tf.TensorSpec]:
    """Return what a block looks like: uint8 images and int32 labels, any number. One graph then serves every block.

    With ``appearances`` there is, too, what `Augmentation.numbers` takes.
    """
    parts = [tf.TensorSpec(model.input_shape, tf.uint8), tf.TensorSpec((None,), tf.int32)]
    return [*parts, tf.TensorSpec((None, 2), tf.int64)] if appearances else parts


def _predicted(logits: tf.Tensor) -> tf.Tensor:
    return tf.argmax(logits, axis=-1, output_type=tf.int32)

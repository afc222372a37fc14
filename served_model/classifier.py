"""A stored network with what is known of it: from pixels to the probability of each class, as an evaluation has it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from served_model.description import ModelDescription
from served_model.probabilities import as_probabilities


class Predictions(NamedTuple):
    """What a network says of images.

    Attributes:
        predicted: The label of the largest output, the first of equal ones; int32 of shape (examples,).
        probabilities: float32 of shape (examples, classes). With a regression loss these are the outputs of the
            network, which need not lie between 0 and 1.
    """

    predicted: NDArray[np.int32]
    probabilities: NDArray[np.float32]


class Classifier:
    """A network that says of each image how probable each class is.

    The same images in the same order give the same bits as in an evaluation on the same kind of processor with as many
    threads: they go through the network in blocks of the same size.

    Args:
        keras_path: Its .keras file, loaded in Keras' safe mode.
        description: What is known of it.
    """

    def __init__(self, keras_path: Path, description: ModelDescription) -> None:
        self.description = description
        self._logits = _logits_of(keras.models.load_model(keras_path, compile=False))

    def predict(self, images: NDArray[np.uint8]) -> Predictions:
        """Return what the network says of images of shape (examples, height, width, channels), as they are prepared."""
        size, estimates = self.description.block_images, self.description.estimates
        labels = [np.zeros(0, dtype=np.int32)]
        probabilities = [np.zeros((0, len(self.description.classes)), dtype=np.float32)]
        for start in range(0, len(images), size):
            logits = self._logits(images[start : start + size])
            # Of the outputs and not of the probabilities, which can be equal where these are not.
            labels.append(np.asarray(tf.argmax(logits, axis=-1, output_type=tf.int32)))
            probabilities.append(as_probabilities(logits, estimates))
        return Predictions(np.concatenate(labels), np.concatenate(probabilities))

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the second of what `predict` does."""
        return self.predict(images).probabilities


def _logits_of(model: keras.Model) -> Callable[[Any], Any]:
    """Return the network as the graph that an evaluation makes of it: uint8 images, any number."""

    @tf.function(autograph=False, jit_compile=False, input_signature=[tf.TensorSpec(model.input_shape, tf.uint8)])
    def logits_of(images: tf.Tensor) -> tf.Tensor:
        return model(images, training=False)

    return cast("Callable[[Any], Any]", logits_of)

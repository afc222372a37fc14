"""A training of a moment, in which a person's own optimizer shows what it does."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import keras
import numpy as np
from keras import layers

from models.losses import make_loss
from models.steps import make_train_steps
from tasks.building.own_code import IN_A_COPY

STEPS = 2  # before the interruption, and as many after it
BATCH, SIDE, CLASSES = 4, 4, 3


def tiny_model(optimizer: keras.optimizers.Optimizer) -> keras.Model:
    """Return a compiled network of two kernels, always with the same weights."""
    # All have names: those that Keras makes up count on, and would change the names in the network that is trained.
    initializer = keras.initializers.GlorotUniform(seed=1)
    pixels = keras.Input((SIDE, SIDE, 1), name="check_pixels")
    x = layers.Conv2D(2, 3, kernel_initializer=initializer, name="check_conv")(pixels)
    x = layers.Flatten(name="check_flatten")(x)
    logits = layers.Dense(CLASSES, kernel_initializer=initializer, name="check_logits")(x)
    model = keras.Model(pixels, logits, name="check")
    model.compile(optimizer=optimizer, loss=make_loss("softmax_cross_entropy"))
    optimizer.build(model.trainable_variables)
    return model


def load_all(compiled: Path, times: int) -> list[keras.Model]:
    """Return so many models that are loaded from one file."""
    with warnings.catch_warnings():
        # Of an optimizer that forgets what it was told, which is told in other words.
        warnings.filterwarnings("ignore", message="Skipping variable loading for optimizer")
        return [keras.models.load_model(compiled) for _ in range(times)]


def train(model: keras.Model, steps: int) -> int:
    """Train for so many steps; return how often gradients were clipped, or looked at for that."""
    images = np.arange(steps * BATCH * SIDE * SIDE, dtype=np.uint8).reshape(-1, SIDE, SIDE, 1) % 7
    labels = np.arange(steps * BATCH, dtype=np.int32) % CLASSES
    clipping = make_train_steps(model, BATCH)(images, labels).clipping
    return 0 if clipping is None else int(clipping[0])


def weights_of(model: keras.Model) -> list[bytes]:
    """Return the weights of a model, to be compared bit for bit."""
    return [np.asarray(weight).tobytes() for weight in model.get_weights()]


def in_a_line(error: Exception) -> str:
    """Return what an error says, and where in a person's own code; TensorFlow's say it after all that called it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    frames = [number for number, line in enumerate(lines) if line.startswith('File "')]
    if not frames:
        return f"{type(error).__name__}: {error}"
    own = [found for line in lines if (found := re.search(rf'{IN_A_COPY}", (line \d+)', line))]
    said = " ".join(lines[frames[-1] + 2 :])
    return f"{said} ({', '.join(own[-1].groups())})" if own else said

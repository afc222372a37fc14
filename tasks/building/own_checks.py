"""What is asked of a person's own code before training begins, by a tiny training that is interrupted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from models.losses import make_loss
from models.steps import make_train_steps
from tasks.building.own_classes import make_own_loss, make_own_optimizer
from tasks.building.own_code import Sources, own_sources, write_copy
from tasks.building.own_objects import load_own, own_objects
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import is_own
from tasks.training.checkpoint import Checkpoints
from tasks.training.fit_state import FitState

STEPS = 2  # before the interruption, and as many after it
BATCH, SIDE, CLASSES = 4, 4, 3
Weights = list[bytes]

_sound: set[tuple[Any, ...]] = set()  # what was asked in this process: the trials of a comparison are of few kinds


def sound_sources(names: tuple[str, str, str], run_id: str | None, recipe: Mapping[str, Any]) -> Sources:
    """Return what `own_sources` does for a training, once it is tried. Raises InputError as both do."""
    sources = own_sources(names, run_id)
    require_own_code(sources, **recipe, model=names[0])
    return sources


def require_own_code(
    sources: Sources,
    *,
    model: str,
    optimizer: str,
    loss: str,
    learning_rate: float,
    weight_decay: float,
    hyperparameters: Mapping[str, Any],
    loss_args: Mapping[str, Any],
    **_: Any,
) -> None:
    """Raise InputError for code of a person's own that fails, or that could not be stored or gone on with.

    Built-in names are not looked at. ``sources`` has the files of the others; the rest is the recipe of a training.
    """
    decays = bool(weight_decay)
    asked = model, optimizer, loss, decays, tuple(hyperparameters.items()), tuple(loss_args.items())
    if not sources or asked in _sound:
        return
    with TemporaryDirectory() as name, tf.device("CPU:0"):
        directory = Path(name)
        write_copy(sources, directory)
        if is_own(model) and not callable(load_own(model, directory)):
            raise InputError(f"{model} cannot be called; allowed: a function that returns a Keras model")
        if is_own(loss):
            _require_sound_loss(loss, make_own_loss(loss, directory, arguments=loss_args))
        if is_own(optimizer):
            rates = {"learning_rate": learning_rate, "weight_decay": weight_decay}
            make = partial(make_own_optimizer, optimizer, directory, **rates, arguments=hyperparameters)
            with own_objects(directory):
                _require_sound_optimizer(optimizer, make, directory)
    _sound.add(asked)


def _require_sound_loss(name: str, loss: keras.losses.Loss) -> None:
    """Raise InputError unless a loss gives a number for each example, with a gradient, and is the same once stored."""
    labels = tf.constant([0, 1, 2, 0], tf.int32)
    logits = tf.constant(np.linspace(-1.0, 1.0, BATCH * CLASSES).reshape(BATCH, CLASSES), tf.float32)
    try:
        each = loss.call(tf.cast(labels, tf.float32), logits)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(labels, logits)
        gradient = tape.gradient(value, logits)
        again = float(type(loss).from_config(loss.get_config())(labels, logits))
    except Exception as error:
        raise InputError(f"{name} fails for labels (4,) and logits (4, 3): {type(error).__name__}: {error}") from error
    shape = tuple(np.shape(each))
    if shape != (BATCH,):
        raise InputError(f"{name}: `call` returns values of shape {shape} for 4 examples; allowed: one for each, (4,)")
    if not np.isfinite(value) or gradient is None or not np.isfinite(gradient).all():
        raise InputError(f"{name} gives {float(value):g} with the gradient {gradient}; allowed: finite numbers")
    if again != float(value):
        raise InputError(
            f"{name} made from its own `get_config` gives {again!r}, and before {float(value)!r}: {CONFIG}"
        )


CONFIG = "`get_config` has to return every argument of the constructor"
SLOTS = (
    "what it changes from step to step has to lie in variables that `build` makes, with `add_variable` or "
    "`add_variable_from_reference`"
)


def _require_sound_optimizer(name: str, make: Callable[[], keras.optimizers.Optimizer], directory: Path) -> None:
    """Raise InputError unless an optimizer makes the same steps once it is stored, and after it was interrupted."""
    compiled = directory / "compiled.keras"
    checkpoints = Checkpoints(directory / "checkpoints", "check", "check")
    try:
        made, whole = _tiny_model(make()), _tiny_model(make())
        made.save(compiled)
        _train(whole, STEPS)
        _train(whole, STEPS)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{name} fails in a tiny training: {type(error).__name__}: {error}") from error
    try:
        loaded, interrupted, resumed = (keras.models.load_model(compiled) for _ in range(3))
    except Exception as error:
        raise InputError(f"{name} cannot be loaded as it was stored; {CONFIG}: {error}") from error
    _train(loaded, STEPS)
    _train(loaded, STEPS)
    if _weights(loaded) != _weights(whole):
        raise InputError(f"{name} makes other steps once it was stored and loaded; {CONFIG}")
    _train(interrupted, STEPS)
    checkpoints.save(interrupted, FitState())
    checkpoints.restore(resumed, told=False)
    _train(resumed, STEPS)
    if _weights(resumed) != _weights(whole):
        raise InputError(f"{name} makes other steps after an interruption; {SLOTS}")
    if _weights(whole) == _weights(made):
        raise InputError(f"{name} leaves the weights as they are; its `update_step` has to change them")


def _tiny_model(optimizer: keras.optimizers.Optimizer) -> keras.Model:
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


def _train(model: keras.Model, steps: int) -> None:
    images = np.arange(steps * BATCH * SIDE * SIDE, dtype=np.uint8).reshape(-1, SIDE, SIDE, 1) % 7
    labels = np.arange(steps * BATCH, dtype=np.int32) % CLASSES
    make_train_steps(model, BATCH)(images, labels)


def _weights(model: keras.Model) -> Weights:
    return [np.asarray(weight).tobytes() for weight in model.get_weights()]

"""What is asked of a person's own code before training begins; what it does is tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import tensorflow as tf

from models.schedules import fine_tuned, make_schedule
from tasks.building.loss_trial import require_sound_loss
from tasks.building.optimizer_trial import require_decay, require_sound_optimizer
from tasks.building.own_classes import make_own_loss, make_own_optimizer
from tasks.building.own_code import Sources, own_sources, write_copy
from tasks.building.own_objects import load_own, own_objects
from tasks.building.tiny_training import STEPS
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import is_own

OTHER_RATES = ("warmup_epochs", "fine_tuning")  # beside a schedule

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
    hyperparameters: Mapping[str, Any],
    loss_args: Mapping[str, Any],
    **moving: Any,
) -> None:
    """Raise InputError for code of a person's own that fails, or that could not be stored or gone on with.

    Built-in names are not looked at. ``sources`` has the files of the others; the rest is the recipe of a training.
    """
    given = (tuple(each.items()) for each in (hyperparameters, loss_args, moving.get("updates") or {}))
    kinds = (bool(moving["weight_decay"]), moving.get("schedule"), *map(bool, map(moving.get, OTHER_RATES)))
    asked = model, optimizer, loss, kinds, *given
    if not sources or asked in _sound:
        return
    with TemporaryDirectory() as name, tf.device("CPU:0"):
        directory = Path(name)
        write_copy(sources, directory)
        if is_own(model) and not callable(load_own(model, directory)):
            raise InputError(f"{model} cannot be called; allowed: a function that returns a Keras model")
        if is_own(loss):
            require_sound_loss(loss, make_own_loss(loss, directory, arguments=loss_args))
        if is_own(optimizer):
            make = partial(make_own_optimizer, optimizer, directory, arguments=hyperparameters)
            with own_objects(directory):
                _try_optimizer(optimizer, make, directory, **moving)
    _sound.add(asked)


def _try_optimizer(
    name: str,
    make: Callable[..., keras.optimizers.Optimizer],
    directory: Path,
    *,
    learning_rate: float,
    weight_decay: float,
    schedule: str = "constant",
    warmup_epochs: float = 0.0,
    fine_tuning: tuple[int, float] | None = None,
    updates: Mapping[str, Any] | None = None,
    **_: Any,
) -> None:
    """Raise InputError for an optimizer that is not sound, with a rate that changes as that of the training does."""
    spans = {"steps_per_epoch": STEPS, "epochs": 2, "warmup_epochs": int(bool(warmup_epochs))}
    rate = make_schedule(schedule, learning_rate=learning_rate, **spans)
    rate = fine_tuned(rate, STEPS, (1, fine_tuning[1]) if fine_tuning else None)
    made = partial(make, learning_rate=rate, weight_decay=weight_decay)
    require_sound_optimizer(name, made, directory, updates or {})
    if weight_decay:
        require_decay(name, make, weight_decay)

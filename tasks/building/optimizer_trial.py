"""A tiny training with a person's own optimizer, stored and interrupted: what it would lose or pass over is told.

Its updates are settled as those of the training are, for Keras clips, gathers and averages in its base class: a class
that overrides this, or forgets it when it is stored, would do without, and nothing would show it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
from keras.optimizers.schedules import LearningRateSchedule

from models.evaluation_weights import evaluation_weights
from models.updates import settle_updates
from tasks.building.tiny_training import STEPS, in_a_line, load_all, tiny_model, train, weights_of
from tasks.foundation.errors import InputError
from tasks.training.checkpoint import Checkpoints
from tasks.training.fit_state import FitState

GATHERED = 3  # batches for an update, where they are gathered: the interruption falls between them
PLAIN_RATE, PLAIN_DECAY = 0.1, 0.5  # by which a decay shows in single precision
Make = Callable[..., keras.optimizers.Optimizer]

CONFIG = "`get_config` has to return every argument of the constructor"
DRAWS = "what it draws at random has to come from a seed of its own, the same each time: `keras.random` has such"
SLOTS = (
    "what it changes from step to step has to lie in variables that `build` makes, with `add_variable` or "
    "`add_variable_from_reference`"
)
# What Keras' base class is told of updates, under the names that it has for that.
OF_KERAS = ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "gradient_accumulation_steps", "use_ema")
USUAL = {"clip_norm": None, "accumulate": 1, "average": "none"}  # what of the updates nobody asked for
OVERRIDDEN = "Keras does that in what `apply` calls, which it overrides; override `update_step` instead, or leave"


def require_sound_optimizer(name: str, make: Make, directory: Path, updates: Mapping[str, Any]) -> None:
    """Raise InputError unless an optimizer makes the same steps once it is stored, and after it was interrupted.

    Args:
        name: FILE.py:CLASS or MODULE:CLASS, with its digest.
        make: Makes it, not yet built; anew each time.
        directory: Where its files may be.
        updates: As `settle_updates` takes them; each that is asked for has to be heeded.
    """
    try:
        _try(name, make, directory, _tried(updates))
    except InputError:
        raise
    except Exception as error:  # whatever a person's code raises, or Keras of it
        asked = [each for each, usual in USUAL.items() if updates.get(each, usual) != usual]
        given = f" with {', '.join(asked)}" if asked else ""
        raise InputError(f"{name} fails in a tiny training{given}: {in_a_line(error)}") from error


def require_decay(name: str, make: Make, weight_decay: float) -> None:
    """Raise InputError for an optimizer that takes a weight decay and does nothing with it.

    ``make`` takes `learning_rate` and `weight_decay`.
    """
    decayed, plain = (tiny_model(make(learning_rate=PLAIN_RATE, weight_decay=decay)) for decay in (PLAIN_DECAY, 0.0))
    train(decayed, STEPS)
    train(plain, STEPS)
    if weights_of(decayed) == weights_of(plain):
        raise InputError(
            f"weight_decay: received {weight_decay:g}, but {name} makes the same steps with it as without. "
            f"{OVERRIDDEN} weight_decay out"
        )


def _try(name: str, make: Make, directory: Path, updates: Mapping[str, Any]) -> None:
    compiled = directory / "compiled.keras"
    checkpoints = Checkpoints(directory / "checkpoints", "check", "check")
    made, whole = (tiny_model(_settled(make(), updates)) for _ in range(2))
    made.save(compiled)
    asked, still = train(whole, STEPS), weights_of(whole) == weights_of(made)
    asked += train(whole, STEPS)
    _require_counted(name, whole.optimizer)
    _require_heeded(name, whole, updates, asked=asked, still=still)
    try:
        loaded, interrupted, resumed = load_all(compiled, 3)
    except Exception as error:
        raise InputError(f"{name} cannot be loaded as it was stored; {CONFIG}: {error}") from error
    _require_kept(name, whole.optimizer, loaded.optimizer)
    train(loaded, STEPS)
    train(loaded, STEPS)
    if weights_of(loaded) != weights_of(whole):
        again = tiny_model(_settled(make(), updates))
        train(again, STEPS)
        train(again, STEPS)
        why = CONFIG if weights_of(again) == weights_of(whole) else DRAWS
        raise InputError(f"{name} makes other steps once it was stored and loaded; {why}")
    train(interrupted, STEPS)
    checkpoints.save(interrupted, FitState())
    checkpoints.restore(resumed, told=False)
    train(resumed, STEPS)
    if weights_of(resumed) != weights_of(whole):
        raise InputError(f"{name} makes other steps after an interruption; {SLOTS}")
    if weights_of(whole) == weights_of(made):
        raise InputError(f"{name} leaves the weights as they are; its `update_step` has to change them")


def _tried(updates: Mapping[str, Any]) -> dict[str, Any]:
    """Return the updates of a tiny training in which all that is asked for shows."""
    return {**updates, "accumulate": GATHERED} if updates.get("accumulate", 1) > 1 else dict(updates)


def _settled(optimizer: keras.optimizers.Optimizer, updates: Mapping[str, Any]) -> keras.optimizers.Optimizer:
    try:
        settle_updates(optimizer, **updates)
    except ValueError as error:
        raise InputError(str(error)) from error
    return optimizer


def _require_counted(name: str, optimizer: keras.optimizers.Optimizer) -> None:
    """Raise InputError for an optimizer that does not count its steps, if something goes by that."""
    scheduled = isinstance(optimizer._learning_rate, LearningRateSchedule)  # noqa: SLF001 - it tells only the rate
    gathered = optimizer.gradient_accumulation_steps or 1
    if (scheduled or gathered > 1 or optimizer.use_ema) and int(optimizer.iterations) != 2 * STEPS // gathered:
        raise InputError(
            f"{name} does not count its steps, by which schedules, warm-up, averages and gathered gradients go; let "
            "`apply` call `super().apply(...)`, or override `update_step` instead"
        )


def _require_heeded(name: str, model: keras.Model, updates: Mapping[str, Any], *, asked: int, still: bool) -> None:
    """Raise InputError for what of the updates was passed over in 2 * STEPS steps.

    ``asked`` says how often gradients were clipped, ``still`` whether the first half of the steps moved no weight.
    """
    gathered = updates.get("accumulate", 1)
    passed_over = {
        "accumulate": gathered > 1 and not still,
        "clip_norm": updates.get("clip_norm") is not None and asked != 2 * STEPS // gathered,
        "average": updates.get("average", "none") == "ema" and not _is_averaged(model),
    }
    for option, is_passed_over in passed_over.items():
        if is_passed_over:
            raise InputError(f"{option}: {name} takes no notice of it. {OVERRIDDEN} {option} out")


def _is_averaged(model: keras.Model) -> bool:
    """Return whether an average of the weights was kept: Keras begins it at zeros."""
    with evaluation_weights(model):
        return bool(model.get_weights()[0].any())


def _require_kept(name: str, before: keras.optimizers.Optimizer, after: keras.optimizers.Optimizer) -> None:
    """Raise InputError for what an optimizer was told and does not know any more once it was stored and loaded."""
    lost = [each for each in OF_KERAS if getattr(before, each) != getattr(after, each)]
    if lost:
        raise InputError(
            f"{name} forgets {', '.join(lost)} once it is stored; `get_config` has to return what "
            "`super().get_config()` does, and the constructor to hand on what else it is given: "
            "`def __init__(self, learning_rate, **base): super().__init__(learning_rate, **base)`"
        )

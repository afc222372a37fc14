"""Make an optimizer or a loss of a person's own class."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import keras
from keras.optimizers.schedules import LearningRateSchedule

from tasks.building.own_objects import load_own
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import taken_apart

Kind = TypeVar("Kind")
# Arguments that are a parameter of the run, by its name, or are given to all.
PARAMETERS = {"learning_rate": "learning_rate", "weight_decay": "weight_decay", "name": "name"}
PARAMETERS |= {"global_clipnorm": "clip_norm", "gradient_accumulation_steps": "accumulate"}
PARAMETERS |= {"use_ema": "average", "ema_momentum": "ema_momentum"}
OF_KERAS = (
    "One of Keras' with other defaults is made by `class Mine(keras.optimizers.SGD):` and an `__init__` of its own"
)


def make_own_optimizer(
    name: str, directory: Path, *, learning_rate: Any, weight_decay: float, arguments: Mapping[str, Any]
) -> keras.optimizers.Optimizer:
    """Return the optimizer of a person's own class, not yet built.

    Args:
        name: FILE.py:CLASS or MODULE:CLASS, with its digest.
        directory: The run's, where its copy is.
        learning_rate: A number, or a schedule.
        weight_decay: For the constructor, which makes of it what it does.
        arguments: The constructor's others, by their names.

    Raises:
        InputError: it is no class of optimizers, or its constructor does not take what is given.
    """
    kind = _class_of(name, directory, keras.optimizers.Optimizer, "a subclass of keras.optimizers.Optimizer", OF_KERAS)
    _require_taken(name, kind, "optimizer_args", arguments)
    taken = _taken_by(kind)
    if weight_decay and "weight_decay" not in taken:
        raise InputError(f"weight_decay: received {weight_decay:g}, but {name} takes none; leave it out")
    # Where there is to be none, a class that would decay of its own accord is told so.
    decay = {"weight_decay": float(weight_decay)} if weight_decay or taken.get("weight_decay") else {}
    called = {"name": taken_apart(name).name.lower()} if "name" in taken else {}  # else Keras counts those it has made
    return _made(name, kind, learning_rate=learning_rate, **decay, **called, **arguments)


def make_own_loss(name: str, directory: Path, *, arguments: Mapping[str, Any]) -> keras.losses.Loss:
    """Return the loss of a person's own class; the arguments as for `make_own_optimizer`.

    Raises:
        InputError: it is no class of losses, or its constructor does not take what is given.
    """
    kind = _class_of(name, directory, keras.losses.Loss, "a subclass of keras.losses.Loss", _loss_around(name))
    _require_taken(name, kind, "loss_args", arguments)
    loss = _made(name, kind, **arguments)
    if loss.reduction != "sum_over_batch_size":
        raise InputError(
            f"{name} reduces by {loss.reduction!r}; allowed: 'sum_over_batch_size', Keras' own default, the mean over "
            "the examples of what `call` returns for each"
        )
    return loss


def _class_of(name: str, directory: Path, base: type[Kind], wanted: str, how: str) -> type[Kind]:
    """Return a person's own class; ``how`` says what to do with a function. Raises InputError if it is none."""
    found = load_own(name, directory)
    if inspect.isclass(found) and issubclass(found, base):
        return found
    if inspect.isclass(found):
        is_what = "a class"
    elif isinstance(found, base):
        is_what = f"an object, made of the class {type(found).__name__}"
        wanted = f"a class, from which each run makes its own: {wanted}"
    else:
        is_what = f"of the type {type(found).__name__}"
        wanted += f". {how}" if inspect.isfunction(found) else ""
    raise InputError(f"{name} is {is_what}; allowed: {wanted}")


def _loss_around(name: str) -> str:
    """Return how a person makes a loss of a function of labels and logits."""
    function = taken_apart(name).name
    title = function.title().replace("_", "")
    title += "Loss" if title == function else ""
    return (
        f"Of a function of labels and logits it is made by `class {title}(keras.losses.Loss):` with `def call(self, "
        f"labels, logits): return {function}(labels, logits)` below it, which has to give one value for each example; "
        f"then name {title}"
    )


def _require_taken(name: str, kind: type, parameter: str, arguments: Mapping[str, Any]) -> None:
    """Raise InputError for an argument that a constructor does not take, or that is a parameter of the run."""
    taken = [each for each in _taken_by(kind) if each not in PARAMETERS]
    for argument in arguments:
        if argument in PARAMETERS:
            its = f", {PARAMETERS[argument]}" if PARAMETERS[argument] != argument else ""
            raise InputError(
                f"{parameter}: received {argument!r}, which is a parameter of the run{its}; leave it out here"
            )
        if argument not in taken:
            close = difflib.get_close_matches(argument, taken, n=1)
            suggestion = f" (did you mean {close[0]!r}?)" if close else ""
            raise InputError(
                f"{parameter}: received {argument!r}{suggestion}, but the constructor of {name} takes: "
                f"{', '.join(taken) or 'none'}; in a comparison all classes of your own are given the same, so give "
                "what only some take as a default in the file"
            )


def _taken_by(kind: type) -> dict[str, Any]:
    """Return the keyword arguments of a constructor, with their defaults, if they have any.

    What it takes as ``**rest`` is for that of the class above.
    """
    taken: dict[str, Any] = {}
    for one in kind.__mro__:
        if "__init__" not in vars(one) or one is object:
            continue
        parameters = list(inspect.signature(vars(one)["__init__"]).parameters.values())[1:]
        named = [each for each in parameters if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)]
        new = {each.name: None if each.default is each.empty else each.default for each in named}
        taken |= {each: default for each, default in new.items() if each not in taken}
        if not any(each.kind is each.VAR_KEYWORD for each in parameters):
            break
    return taken


def _made(name: str, kind: type[Kind], /, **arguments: Any) -> Kind:
    try:
        return kind(**arguments)
    except Exception as error:  # whatever a person's constructor raises
        shown = ", ".join(f"{each}={_shown(value)}" for each, value in arguments.items())
        raise InputError(
            f"{name} cannot be made with {shown or 'no arguments'}: {type(error).__name__}: {error}"
        ) from error


def _shown(value: Any) -> str:
    return f"a {type(value).__name__}" if isinstance(value, LearningRateSchedule) else repr(value)

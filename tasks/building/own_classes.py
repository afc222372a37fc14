"""Make an optimizer or a loss of a person's own class."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import keras

from tasks.building.own_objects import load_own
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import taken_apart

Kind = TypeVar("Kind")
PARAMETERS = ("learning_rate", "weight_decay", "name")  # that have a parameter of the run, or are given to all


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
    kind = _class_of(name, directory, keras.optimizers.Optimizer, "a subclass of keras.optimizers.Optimizer")
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
    kind = _class_of(name, directory, keras.losses.Loss, "a subclass of keras.losses.Loss")
    _require_taken(name, kind, "loss_args", arguments)
    loss = _made(name, kind, **arguments)
    if loss.reduction != "sum_over_batch_size":
        raise InputError(
            f"{name} reduces by {loss.reduction!r}; allowed: 'sum_over_batch_size', Keras' own default, the mean over "
            "the examples of what `call` returns for each"
        )
    return loss


def _class_of(name: str, directory: Path, base: type[Kind], wanted: str) -> type[Kind]:
    found = load_own(name, directory)
    if not (inspect.isclass(found) and issubclass(found, base)):
        is_what = "a class" if inspect.isclass(found) else f"of the type {type(found).__name__}"
        raise InputError(f"{name} is {is_what}; allowed: {wanted}")
    return found


def _require_taken(name: str, kind: type, parameter: str, arguments: Mapping[str, Any]) -> None:
    """Raise InputError for an argument that a constructor does not take, or that is a parameter of the run."""
    taken = [each for each in _taken_by(kind) if each not in PARAMETERS]
    for argument in arguments:
        if argument in PARAMETERS:
            raise InputError(f"{parameter}: received {argument!r}, which is a parameter of the run; leave it out here")
        if argument not in taken:
            close = difflib.get_close_matches(argument, taken, n=1)
            suggestion = f" (did you mean {close[0]!r}?)" if close else ""
            raise InputError(
                f"{parameter}: received {argument!r}{suggestion}, but the constructor of {name} takes: "
                f"{', '.join(taken) or 'none'}"
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
        shown = ", ".join(f"{each}={value!r}" for each, value in arguments.items())
        raise InputError(f"{name} cannot be made with {shown}: {type(error).__name__}: {error}") from error

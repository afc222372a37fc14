"""From a model of parameters to a flat signature, and from what was received to a validated model.

A flow's body takes one frozen, validated object; Prefect, its UI and the command line see flat keyword parameters
with the model's types, defaults and descriptions. Errors are told in this pipeline's own words.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, StringConstraints, ValidationError
from pydantic.fields import FieldInfo

from flows.parameters.choice_or_own import IN_WORDS, ChoiceOrOwn
from flows.parameters.group import GROUPS
from tasks.foundation.errors import InputError

Parameters = TypeVar("Parameters", bound=BaseModel)
Result = TypeVar("Result")

KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
BOUNDS = {
    "ge": "at least {}",
    "gt": "more than {}",
    "le": "at most {}",
    "lt": "less than {}",
    "min_length": "of at least {} character",
    "max_length": "of at most {} characters",
}


def flat_signature(model: type[Parameters]) -> Callable[[Callable[[Parameters], Result]], Callable[..., Result]]:
    """Give a function of one ``model`` the flat, keyword-only signature of the model's fields.

    Prefect takes the descriptions of a form from the docstring, so they are added to it.
    """

    def decorate(function: Callable[[Parameters], Result]) -> Callable[..., Result]:
        @functools.wraps(function)
        def flattened(**given: Any) -> Result:
            return function(validated(model, given))

        parameters = [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation,
            )
            for name, field in fields_of(model).items()
        ]
        signature = inspect.signature(function).replace(parameters=parameters)
        # setattr and not plain assignment: functions have no declared __signature__, as type checkers see it.
        setattr(flattened, "__signature__", signature)  # noqa: B010
        flattened.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        lines = "\n".join(f"    {name}: {described(field)}" for name, field in fields_of(model).items())
        flattened.__doc__ = f"{inspect.getdoc(function)}\n\nArgs:\n{lines}\n"
        return flattened

    return decorate


def validated(model: type[Parameters], given: Mapping[str, Any]) -> Parameters:
    """Return ``model`` made from ``given``, or raise InputError that names every fault, a line each."""
    try:
        return model(**given)
    except ValidationError as error:
        faults = dict.fromkeys(_fault(model, detail) for detail in error.errors(include_url=False))
        raise InputError("\n".join(faults)) from None


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a model in the order in which people are shown them: group by group, then all others."""
    fields = model.model_fields
    grouped = (name for names in GROUPS.values() for name in names if name in fields)
    return {name: fields[name] for name in dict.fromkeys((*grouped, *fields))}


def described(field: FieldInfo) -> str:
    """Return what a field is for, with the bounds of its values."""
    # That a text has a character goes without saying.
    bounds = ", ".join(_bounds(element_of(field) or field, {**BOUNDS, "min_length": ""}))
    return f"{field.description} ({bounds})" if bounds else str(field.description)


def _bounds(field: FieldInfo, words: Mapping[str, str] = BOUNDS) -> list[str]:
    return [
        words[name].format(getattr(constraint, name))
        for constraint in field.metadata
        for name in words
        if words[name] and getattr(constraint, name, None) is not None
    ]


def allowed_values(field: FieldInfo) -> str:
    """Say in words which values ``field`` takes, for instance ``a whole number, at least 1; or none``."""
    or_none = "; or none" if NoneType in get_args(field.annotation) else ""
    if element := element_of(field):
        return f"{allowed_values(element)}; several are separated by commas{or_none}"
    if marked := choice_or_own(field):
        return marked.allowed + or_none
    if choices := choices_of(field):
        return f"one of {', '.join(choices)}"
    return ", ".join([KINDS[kind_of(field)], *_bounds(field)]) + or_none


def element_of(field: FieldInfo) -> FieldInfo | None:
    """Return what each element of a field that takes several values is; none for any other field."""
    annotations = [field.annotation, *get_args(field.annotation)]
    annotations = [get_args(one)[0] if get_origin(one) is Annotated else one for one in annotations]
    several = [annotation for annotation in annotations if get_origin(annotation) is tuple]
    return FieldInfo.from_annotation(get_args(several[0])[0]) if several else None


def kind_of(field: FieldInfo) -> Any:
    """Return the type of a field's values, ``str`` for choices and lists, leaving out that it may be none."""
    if choices_of(field) or element_of(field):
        return str
    return next(kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not NoneType)


def choices_of(field: FieldInfo) -> tuple[str, ...]:
    """Return the choices of a field that has some, else nothing."""
    field = element_of(field) or field
    if marked := choice_or_own(field):
        return marked.names
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


def choice_or_own(field: FieldInfo) -> ChoiceOrOwn | None:
    """Return what is said of a field that takes the name of a person's own code too; none of any other."""
    found = (one for one in (element_of(field) or field).metadata if isinstance(one, ChoiceOrOwn))
    return next(found, None)


def as_typed(value: Any) -> str:
    """Return a parameter's value as a person types it."""
    if isinstance(value, tuple):
        return ",".join(map(as_typed, value))
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _fault(model: type[BaseModel], detail: Mapping[str, Any]) -> str:
    """Put one fault that pydantic found into our words."""
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    name = str(detail["loc"][0])
    if detail["type"] == "extra_forbidden":
        known = list(fields_of(model))
        return f"unknown parameter {name!r}{_suggestion(name, known)}; choose from: {', '.join(known)}"
    field, received = model.model_fields[name], detail["input"]
    shown = repr(received) if isinstance(received, str) else received
    if detail["type"] == IN_WORDS:
        return f"{name}: received {shown}: {detail['ctx']['words']}"
    if any(isinstance(constraint, StringConstraints) for constraint in field.metadata):
        return f"{name}: received {shown}; allowed: {field.description}"
    suggestion = _suggestion(str(received), choices_of(field))
    return f"{name}: received {shown}; allowed: {allowed_values(field)}{suggestion}"


def _suggestion(received: str, known: tuple[str, ...] | list[str]) -> str:
    close = difflib.get_close_matches(received, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""

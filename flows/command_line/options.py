"""From a model of parameters to the options of a command."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

from cyclopts import Group, Parameter
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from flows.parameters.group import GROUPS, group_of
from flows.parameters.signature import as_typed, choice_or_own, choices_of, described, element_of, fields_of, kind_of

HELP_GROUPS = {name: Group(name, sort_key=place) for place, name in enumerate(GROUPS)}
LAST_GROUP = Group("Parameters", sort_key=len(GROUPS))  # what the commands themselves take
TRUTH_VALUES = ("true", "false", "yes", "no", "1", "0")


def command_of(model: type[BaseModel], function: Callable[..., int], *, first: str | None = None) -> Callable[..., int]:
    """Give ``function``, which takes ``**given``, an option for each field of ``model``.

    Values are handed on as they were typed, ``none`` as None unless it is a choice: the model converts and judges
    them, for the command line as for everybody else. Options that were not given are not handed on.

    Args:
        model: The parameters.
        function: What the command does.
        first: A field whose value needs no name in front of it, if it stands first.
    """
    own = [
        parameter
        for parameter in inspect.signature(function, eval_str=True).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    kinds = {first: inspect.Parameter.POSITIONAL_OR_KEYWORD}
    options = [
        inspect.Parameter(
            name, kinds.get(name, inspect.Parameter.KEYWORD_ONLY), default=None, annotation=_option(name, field)
        )
        for name, field in fields_of(model).items()
    ]

    def command(*leading: Any, **received: Any) -> int:
        if leading:
            received[str(first)] = leading[0]
        given = {
            name: ",".join(value) if isinstance(value, list) else value
            for name, value in received.items()
            if value is not None
        }
        fields = fields_of(model)
        return function(**{name: _meant(fields.get(name), value) for name, value in given.items()})

    command.__doc__ = function.__doc__
    setattr(command, "__signature__", inspect.Signature([*options, *own]))  # noqa: B010 - as in signature.py
    return command


def _meant(field: FieldInfo | None, value: Any) -> Any:
    """Return what was typed; nothing for ``none``, but where that is a choice of its own."""
    return None if value == "none" and not (field and "none" in choices_of(field)) else value


def _option(name: str, field: FieldInfo) -> Any:
    own = f"; or {marked.own}" if (marked := choice_or_own(field)) else ""
    choices = f" [choices: {', '.join(choices_of(field))}{own}]" if choices_of(field) else ""
    default = as_typed(field.default)
    help_text = f"{described(field)}{choices} [default: {default}]"
    group = HELP_GROUPS[group_of(name)]
    kind = kind_of(element_of(field) or field)
    if kind is bool:
        return Annotated[bool | None, Parameter(help=help_text, group=group)]
    metavar = "CHOICE" if choices else {int: "INTEGER", float: "NUMBER"}.get(kind, "TEXT")
    if element_of(field):
        # Taken as other tools have it too, --losses l1 mse and --losses l1 --losses mse, for the list l1,mse.
        several = Parameter(help=help_text, group=group, metavar=metavar, consume_multiple=True, negative="")
        return Annotated[list[str] | None, several]
    return Annotated[str | None, Parameter(help=help_text, group=group, metavar=metavar)]


def join_truth_values(models: Iterable[type[BaseModel]], arguments: Sequence[str]) -> list[str]:
    """Join ``--download false`` to ``--download=false``: a flag of cyclopts takes a value only so."""
    fields = [field for model in models for field in model.model_fields.items()]
    flags = {f"--{name.replace('_', '-')}" for name, field in fields if kind_of(field) is bool}
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1].replace("_", "-") in flags and argument.lower() in TRUTH_VALUES:
            joined[-1] += f"={argument.lower()}"
        else:
            joined.append(argument)
    return joined

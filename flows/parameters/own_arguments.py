"""Keyword arguments for the constructor of a person's own class, as one text: ``rho=0.9,hessian_every=10``."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from flows.parameters.choice_or_own import fault
from tasks.foundation.own_source import is_own

Argument = bool | int | float | str
WORDS: dict[str, Argument] = {"true": True, "false": False}


def _sorted(text: str) -> str:
    """Return the text that all of the same arguments have in common, whatever their order and their numbers' form."""
    try:
        return ",".join(f"{name}={_typed(value)}" for name, value in sorted(arguments_of(text).items()))
    except ValueError as error:
        raise fault(str(error)) from None


def arguments_of(text: str | None) -> dict[str, Argument]:
    """Return the arguments by their names: whole and other numbers, true and false, anything else as text.

    Raises:
        ValueError: it is no such list, or names one twice.
    """
    arguments: dict[str, Argument] = {}
    for part in text.split(",") if text else []:
        name, found, value = (each.strip() for each in part.partition("="))
        if not found or not re.fullmatch(r"[A-Za-z_]\w*", name) or not value:
            raise ValueError(f"{part.strip()!r} is not NAME=VALUE; allowed: arguments by their names, rho=0.9,steps=10")
        if name in arguments:
            raise ValueError(f"{name!r} is there twice; give it once")
        arguments[name] = _value(value)
    return arguments


def require_own(name: str, text: str | None, *among: str) -> None:
    """Raise ValueError for arguments that are given where none of several names is of a person's own class."""
    if text and not any(map(is_own, among)):
        raise ValueError(
            f"{name}: received {text!r}, but {', '.join(among)} {'have' if len(among) > 1 else 'has'} parameters of "
            f"{'their' if len(among) > 1 else 'its'} own instead; leave it out, or name a class of yours"
        )


def _value(text: str) -> Argument:
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _typed(value: Argument) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


OwnArguments = Annotated[str, AfterValidator(_sorted)]

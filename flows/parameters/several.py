"""Parameters that take several values: typed as a,b, each of them once."""

from __future__ import annotations

from typing import Any

from pydantic import AfterValidator, BeforeValidator


def _separated(given: Any) -> Any:
    """Take ``a,b`` for the list of a and b, and a single number for a list of one."""
    if isinstance(given, str):
        return [part.strip() for part in given.split(",")]
    return [given] if isinstance(given, int | float) else given


def _once_each(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


Several = (BeforeValidator(_separated), AfterValidator(_once_each))

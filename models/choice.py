"""Choosing from a table by name, with an error that helps."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def choose(kind: str, table: Mapping[str, T], name: str) -> T:
    """Return `table[name]`.

    `kind` is what the table holds, in the singular ("optimizer"); it is only used in the error.
    Raises ValueError, listing the names in the table, where `name` is none of them.
    """
    if name in table:
        return table[name]
    message = f"unknown {kind} {name!r}; choose one of: {', '.join(sorted(table))}"
    close = difflib.get_close_matches(str(name), table, n=1)
    if close:
        message += f"; did you mean {close[0]!r}?"
    raise ValueError(message)

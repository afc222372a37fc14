"""The order in which a person expects names: 1, 2, 10; a, B, c; é beside e."""

from __future__ import annotations

import re
import unicodedata

NUMBERS = re.compile(r"(\d+)")


def natural_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """Return what names are sorted by: numbers by their value, letters whatever their case and accent."""
    plain = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    # Text and numbers take turns, so that two keys have the same kind at each place; the name itself decides last.
    parts = NUMBERS.split(plain.casefold())
    return tuple(int(part) if place % 2 else part for place, part in enumerate(parts)), name

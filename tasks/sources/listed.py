"""Many names in one sentence."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 20


def listed(names: Iterable[str]) -> str:
    """Return the first twenty names, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - SHOWN:,} more" if len(known) > SHOWN else ""
    return f"{', '.join(known[:SHOWN])}{more}"

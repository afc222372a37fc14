"""What a contender's optimizer, or loss, is called where people read it."""

from __future__ import annotations

import re


def short_name(name: str) -> str:
    """Return a name without the folder and the digest of a person's own code: ``mine.py:Sophia``."""
    own = re.fullmatch(r"(?:.*/)?([^/]+:\w+)@[0-9a-f]+", name)
    return own[1] if own else name


def short_names(names: set[str]) -> dict[str, str]:
    """Return what each of several names is called: short, but for those of which that would be the same."""
    short = {name: short_name(name) for name in names}
    return {name: own if list(short.values()).count(own) == 1 else name for name, own in short.items()}

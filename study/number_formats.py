"""How a sentence writes numbers, intervals and lists of names."""

from __future__ import annotations

import math
from collections.abc import Sequence

from study.interval import Interval


def short_interval(interval: Interval | None) -> str:
    """Return an interval of epochs, or of how many times as many, to put behind a number; nothing if there is none."""
    return f" [{short_number(interval[0])}, {short_number(interval[1])}]" if interval else ""


def points(difference: float) -> str:
    """Return a difference of scores in percentage points, with two digits after the point at most."""
    return f"{100 * difference:z.2f}".rstrip("0").rstrip(".")


def in_points(difference: float) -> str:
    """Return it with its unit."""
    return f"{points(difference)} {'point' if points(difference) == '1' else 'points'}"


def points_interval(interval: Interval | None) -> str:
    """Return an interval of it, to put behind a number; nothing if there is none."""
    return f" [{points(interval[0])}, {points(interval[1])}]" if interval else ""


def counted(number: float, what: str) -> str:
    """Return how many there are of what is named in the singular."""
    return f"{short_number(number)} {what}{'' if number == 1 else 's'}"


def short_number(number: float) -> str:
    """Return a number with two digits after the point at most."""
    return "never" if math.isinf(number) else f"{number:,.2f}".rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """Return a share in percent, without needless digits."""
    return f"{100 * share:.10g} %"


def listed(names: Sequence[str]) -> str:
    """Return names, of which there is at least one, with an "and" before the last."""
    return " and ".join([*filter(None, [", ".join(names[:-1])]), names[-1]])

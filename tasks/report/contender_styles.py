"""How a contender is drawn: the same in every picture and table, so that it is known again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any

from study.comparison import Contender

# The same for an optimizer everywhere. Okabe and Ito's colours, which colour-blind people can tell apart, but for
# their yellow and black, which white paper and text take, and then Tol's; the markers tell them apart without colour.
STYLES = {
    "sgd": ("#0072B2", "o"),
    "momentum": ("#D55E00", "s"),
    "rmsprop": ("#009E73", "^"),
    "adam": ("#CC79A7", "D"),
    "adamw": ("#E69F00", "P"),
    "nadam": ("#56B4E9", "v"),
    "adagrad": ("#666666", "X"),
    "lion": ("#882255", "*"),
    "adamax": ("#332288", "<"),
    "adadelta": ("#999933", "p"),
    "adafactor": ("#44AA99", "h"),
    "lamb": ("#AA4499", ">"),
    "ftrl": ("#661100", "d"),
    "muon": ("#117733", "H"),
    "schedule_free_adamw": ("#88CCEE", "8"),
}
# Of people's own, in the order of their names: more of Tol's colours, and stars with so many points.
OTHERS = (("#CC6677", (4, 1, 0)), ("#6699CC", (3, 1, 0)), ("#994455", (6, 1, 0)), ("#997700", (8, 1, 0)))
Style = dict[str, Any]  # what matplotlib is told of it
LINES = ("-", "--", ":", "-.")  # of contenders that share an optimizer


def style_of(contender: Contender, contenders: Sequence[Contender]) -> Style:
    """Return how a contender is drawn: colour and marker are its optimizer's, the line tells its variants apart."""
    own = sorted({one.optimizer for one in contenders} - STYLES.keys())
    others = dict(zip(own, cycle(OTHERS), strict=False))
    colour, marker = STYLES.get(contender.optimizer) or others[contender.optimizer]
    same = [
        other.label for other in sorted(contenders, key=lambda one: one.label) if other.optimizer == contender.optimizer
    ]
    return {"color": colour, "marker": marker, "linestyle": LINES[same.index(contender.label) % len(LINES)]}

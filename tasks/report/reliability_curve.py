"""The reliability curve of models as a drawing that takes the colours of its page."""

from __future__ import annotations

import math

from markupsafe import Markup

from study.calibration import Reliability

SIDE, LEFT, TOP = 240, 52, 12  # of the square from 0 to 1, in the units of the drawing
HEIGHT = 60  # of the bars below it
GAP = 44  # between both, with the names of the axis
LEAST_RADIUS, MORE_RADIUS = 2.0, 4.0  # of the points: the area of the second grows with how many answers one stands for
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def reliability_curve(found: Reliability) -> Markup:
    """Return the drawing: for each bin the share that is right against the mean probability, and how much it holds."""
    most = max(one.answers for one in found.bins)
    base = TOP + SIDE + GAP + HEIGHT
    points = [(_x(one.confidence), _y(one.accuracy)) for one in found.bins]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    parts = [_axes(base), Markup('<polyline class="curve" points="{}"/>').format(line)]
    for one, (x, y) in zip(found.bins, points, strict=True):
        words = f"{one.answers:,} answers: {one.confidence:.3f} sure, {one.accuracy:.3f} right"
        radius = LEAST_RADIUS + MORE_RADIUS * math.sqrt(one.answers / most)  # what few answers say stands back
        point = '<circle class="point" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"><title>{}</title></circle>'
        parts.append(Markup(point).format(x, y, radius, words))  # noqa: S704 - our own text
        size = SIDE * (one.to - one.above) - 1, max(1.0, HEIGHT * one.answers / most)
        bar = '<rect class="bar-of-bin" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
        parts.append(Markup(bar).format(_x(one.above) + 0.5, base - size[1], *size))  # noqa: S704 - likewise
    label = f"Reliability curve: expected calibration error {found.error:.4f}; the table below has the same numbers"
    return Markup('<svg class="reliability" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        LEFT + SIDE + 16, base + 34, label, Markup("").join(parts)
    )


def _axes(base: float) -> Markup:
    """Return both frames, the diagonal on which a model is as often right as it says, ticks and names."""
    parts = [
        _line("frame", _x(0), _y(0), _x(1), _y(0)),
        _line("frame", _x(0), _y(0), _x(0), _y(1)),
        _line("diagonal", _x(0), _y(0), _x(1), _y(1)),
        _line("frame", _x(0), base, _x(1), base),
    ]
    for tick in TICKS:
        parts += [
            _text(_x(tick), _y(0) + 16, f"{tick:g}", "middle"),
            _text(_x(tick), base + 14, f"{tick:g}", "middle"),
            _text(_x(0) - 7, _y(tick) + 4, f"{tick:g}", "end"),
        ]
    upright = '<text x="12" y="{0}" text-anchor="middle" transform="rotate(-90 12 {0})">share that is right</text>'
    parts += [
        _text(_x(0.5), _y(0) + 31, "how sure: mean probability", "middle"),
        _text(_x(0.5), base + 29, "how many answers are so sure", "middle"),
        Markup(upright).format(TOP + SIDE // 2),  # noqa: S704 - our own text
    ]
    return Markup("").join(parts)


def _x(value: float) -> float:
    return LEFT + SIDE * value


def _y(value: float) -> float:
    return TOP + SIDE * (1 - value)


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    form = '<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'
    return Markup(form).format(kind, x1, y1, x2, y2)  # noqa: S704 - our own text


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)

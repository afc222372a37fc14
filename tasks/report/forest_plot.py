"""The picture of the answer: how each rival differs from the leader, and how far that is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from study.answer import Answer, Rival
from study.comparison import Comparison
from study.metric import NAMES
from study.number_formats import counted, in_points, points, points_interval
from tasks.report.contender_styles import Style, style_of
from tasks.report.figure_widths import BROAD

COLUMNS = (14, 88, 168)  # points to the right of the axes: judgement, seeds, difference
FARTHEST = 10  # times as far as the nearest: what is decided and lies beyond leaves no room for the others
INK, SOFT, BAND = "#1c1c1c", "#5c5c5c", "#DDE7DD"


def has_differences(comparison: Comparison) -> bool:
    """Return whether any rival was compared with the leader on confirm seeds, so that there is something to draw."""
    return any(rival.difference is not None for rival in comparison.answer.rivals)


def differences(comparison: Comparison, width: float = BROAD) -> Figure:
    """Draw each rival's difference from the leader in points of the metric, with its interval and what it says.

    The band is the margin within which a rival is as good. What is decided and lies far off is an arrow at the border,
    with its numbers in words.
    """
    answer, narrow = comparison.answer, width < BROAD
    row_height = 0.8 if narrow else 0.42
    figure = Figure(figsize=(width, (1.0 if narrow else 1.3) + row_height * len(answer.rivals)), layout="constrained")
    axes = figure.subplots()
    axes.axvspan(-100 * answer.margin, 100 * answer.margin, color=BAND, linewidth=0, zorder=0, gid="margin")
    axes.axvline(0, color=SOFT, linewidth=1, zorder=1)
    low, high = _limits(answer)
    styles = {one.label: style_of(one, comparison.contenders) for one in comparison.contenders}
    for row, rival in enumerate(answer.rivals):
        _draw(axes, rival, row, (low, high), styles[rival.label])
        (_say_above if narrow else _say_beside)(axes, rival, row)
    if not narrow:
        for offset, name in zip(COLUMNS, ("", "confirm seeds", "difference in points"), strict=True):
            _beside(axes, -0.75, offset, name, color=SOFT)
    axes.set_yticks([] if narrow else range(len(answer.rivals)), [] if narrow else [one.label for one in answer.rivals])
    axes.set_ylim(len(answer.rivals) - 0.5, -0.8 if narrow else -0.6)
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(MaxNLocator(5 if narrow else 8, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+.6g}" if abs(value) > 1e-9 else "0"))
    band = f"green: within {in_points(answer.margin)}, as good"
    between = "\n" if narrow else " "
    said = between.join((f"points of {NAMES[comparison.metric]} above", str(answer.leader), f"({band})"))
    axes.set_xlabel(said, fontsize=9)
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    axes.tick_params(axis="y", pad=9)  # an arrow at the border has room
    return figure


def _limits(answer: Answer) -> tuple[float, float]:
    """Return from where to where the axis goes, in points."""
    spans = {rival.label: _span(rival) for rival in answer.rivals if rival.difference is not None}
    reaches = {label: max(map(abs, span)) for label, span in spans.items()}
    least = max(300 * answer.margin, min(reaches.values(), default=0.0), 1e-3)
    near = [
        spans[rival.label]
        for rival in answer.rivals
        if rival.label in spans
        and (rival.judgement in ("undecided", "as good") or reaches[rival.label] <= FARTHEST * least)
    ]
    smallest = 1.5 * max(100 * answer.margin, 1e-3)
    low, high = min([-smallest, *(span[0] for span in near)]), max([smallest, *(span[1] for span in near)])
    room = 0.05 * (high - low)
    return low - room, high + room


def _span(rival: Rival) -> tuple[float, float]:
    low, high = rival.interval or (rival.difference or 0.0, rival.difference or 0.0)
    return 100 * low, 100 * high


def _draw(axes: Axes, rival: Rival, row: int, limits: tuple[float, float], style: Style) -> None:
    if rival.difference is None:
        return
    colour, marker = style["color"], style["marker"]
    (start, end), middle = _span(rival), 100 * rival.difference
    shown = max(start, limits[0]), min(end, limits[1])
    if shown[0] < shown[1]:
        axes.plot(shown, [row, row], color=colour, linewidth=2.5, solid_capstyle="butt", gid=f"interval {rival.label}")
    for beyond, edge, arrow in ((start < limits[0], limits[0], "<"), (end > limits[1], limits[1], ">")):
        if beyond:
            look: Style = {"color": colour, "markersize": 9, "clip_on": False}
            axes.plot([edge], [row], arrow, **look, gid=f"beyond {arrow} {rival.label}")
    if limits[0] <= middle <= limits[1]:
        hollow = rival.judgement == "undecided"
        point: Style = {"marker": marker, "linestyle": "none", "markersize": 8}
        if hollow:
            axes.plot([middle], [row], **point, color="white", zorder=3)  # the interval ends at its edge
        look = {**point, "color": colour, "fillstyle": "none" if hollow else "full", "zorder": 4}
        axes.plot([middle], [row], **look, gid=f"difference {rival.label}")


def _numbers(rival: Rival) -> str:
    return "none yet" if rival.difference is None else f"{points(rival.difference)}{points_interval(rival.interval)}"


def _say_beside(axes: Axes, rival: Rival, row: int) -> None:
    """Write what a rival is to the right of its row."""
    said: Sequence[str] = (rival.judgement, str(rival.seeds), _numbers(rival))
    for offset, text, weight in zip(COLUMNS, said, ("bold", "normal", "normal"), strict=True):
        _beside(axes, row, offset, text, color=INK, weight=weight)


def _beside(axes: Axes, row: float, offset: int, text: str, **look: Any) -> None:
    axes.annotate(
        text,
        (1, row),
        xycoords=axes.get_yaxis_transform(),
        xytext=(offset, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
        annotation_clip=False,
        **look,
    )


def _say_above(axes: Axes, rival: Rival, row: int) -> None:
    """Write it in two lines above its row, where there is no room beside it."""
    seeds = counted(rival.seeds, "seed")
    said = ((-0.5, rival.label, INK, "bold"), (-0.25, f"{rival.judgement}, {seeds}: {_numbers(rival)}", SOFT, "normal"))
    for above, text, colour, weight in said:
        across = axes.get_yaxis_transform()
        axes.text(0, row + above, text, transform=across, va="center", fontsize=9, color=colour, weight=weight)

"""The two widths of each picture of a comparison: for a screen or a sheet, and for a telephone."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

BROAD, NARROW = 9.0, 4.0  # inches; text keeps its size in both


def is_narrow(figure: Figure) -> bool:
    """Return whether there is no room beside the axes of a figure."""
    return bool(figure.get_figwidth() < BROAD)


def one_axes(width: float, legend_lines: int) -> tuple[Figure, Axes]:
    """Return a figure of one plot, with room for so many lines of a legend: beside it, or below it if it is narrow."""
    height = 2.9 + 0.2 * legend_lines if width < BROAD else max(4.2, 0.8 + 0.22 * legend_lines)
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def finish(figure: Figure, axes: Axes, target: float) -> None:
    """Draw the target, and the legend of all that is drawn."""
    axes.axhline(1 - target, color="#444444", linestyle=(0, (6, 4)), linewidth=1, label=f"target, {100 * target:g} %")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if is_narrow(figure):
        figure.legend(frameon=False, fontsize=9, loc="outside lower left")
    else:
        axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.01, 0.5))

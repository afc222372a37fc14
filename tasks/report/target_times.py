"""The picture of how long contenders take to the target."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator

from study.comparison import Comparison, Contender, Trial
from study.metric import NAMES
from study.number_formats import percent
from tasks.report.contender_styles import Style, style_of
from tasks.report.figure_widths import BROAD

LONGEST_LINE = 16  # characters of a name, where the picture is narrow
SPREAD = 0.5  # of a row, over which its seeds lie, so that those that take the same can be counted


def time_to_target(comparison: Comparison, width: float = BROAD) -> Figure:
    """Draw how long each contender takes to the target, a mark a seed; a miss lies beyond the right border.

    Epochs on the left, seconds on the right; above and below each other in a narrow figure.
    """
    contenders, narrow = comparison.contenders, width < BROAD
    rows, columns = (2, 1) if narrow else (1, 2)
    labels = [textwrap.fill(contender.label, LONGEST_LINE if narrow else 80) for contender in contenders]
    lines = max((label.count("\n") + 1 for label in labels), default=1)
    height = rows * (1.2 + (0.17 * (1 + lines) if narrow else 0.42) * max(1, len(contenders)))
    figure = Figure(figsize=(width, height), layout="constrained")
    units: dict[str, Callable[[Trial, float], float]] = {"epochs": Trial.epochs_to, "seconds": Trial.seconds_to}
    for axes, (unit, time_of) in zip(figure.subplots(rows, columns, sharey=True), units.items(), strict=True):
        times = [
            [time_of(trial, comparison.target) for trial in comparison.chosen_trials(contender)]
            for contender in contenders
        ]
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=unit == "epochs"))
        _draw_times(axes, contenders, times)
        axes.set_yticks(range(len(contenders)), labels)
        axes.set_ylim(len(contenders) - 0.4, -0.8)
        of_what = f" of validation {NAMES[comparison.metric]}"
        target = f"{percent(comparison.target)}{'' if narrow else of_what}"
        axes.set_xlabel(f"{unit} until {target}", fontsize=9)
        axes.grid(axis="x", alpha=0.3)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(left=False)
    return figure


def _draw_times(axes: Axes, contenders: Sequence[Contender], times: Sequence[Sequence[float]]) -> None:
    reached = [time for each in times for time in each if math.isfinite(time)]
    border = 1.1 * max(reached, default=1.0)
    missed = 1.1 * border
    for row, (contender, own) in enumerate(zip(contenders, times, strict=True)):
        style = style_of(contender, contenders)
        heights = row + SPREAD * ((np.arange(len(own)) + 0.5) / len(own) - 0.5)
        mark: Style = {"edgecolor": style["color"], "marker": style["marker"], "s": 45 if len(own) < 6 else 18}
        hits = np.isfinite(own)
        looks: tuple[Style, Style] = ({"facecolor": style["color"], "alpha": 0.6}, {"facecolor": "none"})
        for drawn, look in zip((hits, ~hits), looks, strict=True):
            if drawn.any():  # all at once: a collection of each mark takes milliseconds
                axes.scatter(np.where(hits, own, missed)[drawn], heights[drawn], **mark, **look, zorder=3)
        median = float(np.median(own))
        if math.isfinite(median):
            axes.plot([median, median], [row - 0.35, row + 0.35], color=style["color"], linewidth=3)
    if len(reached) == sum(map(len, times)):
        axes.set_xlim(0, border)
        return
    axes.axvspan(border, 1.2 * border, color="#EEEEEE", zorder=0, linewidth=0)
    axes.set_xlim(0, 1.2 * border)
    axes.text(missed, -0.75, "not reached", ha="center", va="bottom", fontsize=9, color="#555555")
    axes.xaxis.set_major_locator(FixedLocator([tick for tick in axes.get_xticks() if tick < border]))

"""The pictures of what the trials of a comparison came to. Each function returns a figure and writes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from study.comparison import Comparison, Contender, Setting, Trial
from study.metric import EPOCHS, NAMES
from tasks.report.accuracy_axis import AccuracyAxis
from tasks.report.contender_styles import Style, style_of
from tasks.report.figure_widths import BROAD, finish, is_narrow, one_axes

DIVERGED = "#B00020"
SOFT = "#5c5c5c"
LONGEST_LINE = 38  # characters of the legend, where the picture is narrow
MOST_BANDS = 4  # more of them hide each other


def learning_curves(comparison: Comparison, width: float = BROAD) -> Figure:
    """Draw the metric over the epochs: the median of each contender's seeds, and a band from least to most.

    Of the trials that its numbers are from: those of confirmation, unless it has none. Many contenders have no bands.
    A trial that ended early goes on with its score.
    """
    curves = {
        contender.label: _of_one_length(
            [trial for trial in comparison.chosen_trials(contender) if trial.outcome == "completed"]
        )
        for contender in comparison.contenders
    }
    labels = {
        contender.label: fill(
            _named(contender, comparison, diverged=not curves[contender.label]), LONGEST_LINE if width < BROAD else 80
        )
        for contender in comparison.contenders
    }
    figure, axes = one_axes(width, 1 + sum(1 + label.count("\n") for label in labels.values()))
    scale = AccuracyAxis((value for each in curves.values() for curve in each for value in curve), comparison.target)
    for contender in comparison.contenders:
        style, own, label = style_of(contender, comparison.contenders), curves[contender.label], labels[contender.label]
        if not own:
            axes.plot([], [], label=label, **style)
            continue
        epochs, errors = range(1, len(own[0]) + 1), scale.errors(own)
        axes.plot(epochs, np.median(errors, axis=0), label=label, markersize=4, **style)
        if len(comparison.contenders) <= MOST_BANDS:
            least, most = errors.min(axis=0), errors.max(axis=0)
            axes.fill_between(epochs, least, most, color=style["color"], alpha=0.15, linewidth=0)
    scale.apply(axes)
    axes.set(xlabel="epoch", ylabel=f"validation {NAMES[comparison.metric]}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    finish(figure, axes, comparison.target)
    return figure


def _of_one_length(trials: Sequence[Trial]) -> list[tuple[float, ...]]:
    """Return the metric of trials by epoch, each of as many epochs as the longest has."""
    longest = max((len(trial.scores) for trial in trials), default=0)
    return [(*trial.scores, *[trial.score] * (longest - len(trial.scores))) for trial in trials]


def _named(contender: Contender, comparison: Comparison, *, diverged: bool) -> str:
    """Return a contender's label with its rate, and what else tells its curve from the others."""
    mixed = len({one.confirmed for one in comparison.contenders}) > 1
    notes = ["diverged"] if diverged else []
    notes += ["tuning seeds"] if mixed and not contender.confirmed else []
    said = f" ({', '.join(notes)})" if notes else ""
    return f"{contender.label}, rate {contender.learning_rate:g}{said}"


def learning_rates(comparison: Comparison, width: float = BROAD) -> Figure:
    """Draw the scores against the learning rate: medians of tuning, every seed, and what diverged.

    Rates that were added are hollow; confirm seeds are strokes beside the points of the tuning seeds.
    """
    figure, axes = one_axes(width, len(comparison.contenders) + 5)
    axes.set_xscale("log")
    shown = [value for one in comparison.settings for value in (*one.scores, *one.confirm_scores) if value]
    scale = AccuracyAxis(shown, comparison.target)
    for index, contender in enumerate(comparison.contenders):
        style = style_of(contender, comparison.contenders)
        settings = [setting for setting in comparison.settings if _belongs(setting, contender)]
        _draw_medians(axes, scale, contender, settings, style)
        aside = 1.06 * 1.04**index  # to the right of the rate, so that contenders of one rate can be told apart
        for setting in settings:
            _draw_seeds(axes, scale, setting, style["color"], aside)
            if setting.diverged:
                _mark_diverged(axes, setting, contender.label)
    _explain(axes, comparison.settings)
    _label_rates(axes, {setting.learning_rate for setting in comparison.settings}, 4 if is_narrow(figure) else 9)
    scale.apply(axes)
    axes.set(xlabel="learning rate", ylabel=f"{EPOCHS[comparison.keep]} validation {NAMES[comparison.metric]}")
    finish(figure, axes, comparison.target)
    return figure


def _belongs(one: Setting, contender: Contender) -> bool:
    return (one.optimizer, one.loss, one.batch_size) == (contender.optimizer, contender.loss, contender.batch_size)


def _draw_medians(
    axes: Axes, scale: AccuracyAxis, contender: Contender, settings: Sequence[Setting], style: Style
) -> None:
    """Draw the line of a contender's medians, hollow where the rate was added, with a ring around the best."""
    learned = [(setting, float(setting.median)) for setting in settings if setting.median]
    rates, errors = [setting.learning_rate for setting, _ in learned], scale.errors(median for _, median in learned)
    asked = [index for index, (setting, _) in enumerate(learned) if not setting.added]
    axes.plot(rates, errors, label=contender.label, markersize=6, markevery=asked, **style)
    look: Style = {"color": style["color"], "linestyle": "none"}
    hollow = {"marker": style["marker"], "markersize": 7, "markerfacecolor": "white", "markeredgewidth": 1.6}
    ring: Style = {"marker": "o", "markersize": 14, "fillstyle": "none"}
    for (setting, _), error in zip(learned, errors, strict=True):
        place, name = ([setting.learning_rate], [error]), f"{contender.label} {setting.learning_rate:g}"
        if setting.added:
            axes.plot(*place, **look, **hollow, zorder=3, gid=f"added {name}")
        if setting.learning_rate == contender.learning_rate:
            axes.plot(*place, **look, **ring, gid=f"best {name}")


def _draw_seeds(axes: Axes, scale: AccuracyAxis, setting: Setting, colour: str, aside: float) -> None:
    """Draw every seed that learned something: a point for one of tuning, a stroke beside it for one of confirmation."""
    look: Style = {"color": colour, "alpha": 0.55, "linestyle": "none"}
    tuning, confirm = ([one for one in seeds if one] for seeds in (setting.scores, setting.confirm_scores))
    rate = setting.learning_rate
    name = f"{setting.optimizer} {setting.loss} {setting.batch_size} {rate:g}"
    axes.plot([rate] * len(tuning), scale.errors(tuning), marker=".", **look, gid=f"tuning seeds {name}")
    beside = [rate * aside] * len(confirm)
    axes.plot(beside, scale.errors(confirm), marker="_", markersize=7, **look, gid=f"confirm seeds {name}")


def _mark_diverged(axes: Axes, setting: Setting, label: str) -> None:
    """Draw a cross at the bottom, where no accuracy is, with how many trials it stands for."""
    bottom = axes.get_xaxis_transform()
    axes.plot(
        *([setting.learning_rate], [0.04], "x"),
        transform=bottom,
        color=DIVERGED,
        markersize=9,
        markeredgewidth=2.5,
        gid=f"diverged {label} {setting.learning_rate:g}",
    )
    before = sum(text.xy[0] == setting.learning_rate for text in axes.texts if hasattr(text, "xy"))
    axes.annotate(
        f"{setting.diverged} of {label}",
        (setting.learning_rate, 0.04),
        xycoords=bottom,
        xytext=(0, 9 + 10 * before),  # of several contenders at one rate, one above the other
        textcoords="offset points",
        ha="center",
        color=DIVERGED,
        fontsize=8,
    )


def _explain(axes: Axes, settings: Iterable[Setting]) -> None:
    """Put what points, strokes, rings and hollow marks are into the legend, as far as there are any."""
    drawn = list(settings)
    look: Style = {"color": SOFT, "linestyle": "none"}
    axes.plot([], [], marker=".", label="a tuning seed", **look)
    if any(one.confirm_scores for one in drawn):
        axes.plot([], [], marker="_", markersize=7, label="a confirm seed", **look)
    axes.plot([], [], marker="o", markersize=11, fillstyle="none", label="the best rate", **look)
    if any(one.added for one in drawn):
        axes.plot([], [], marker="o", fillstyle="none", label="a rate that was added", **look)


def _label_rates(axes: Axes, rates: set[float], most: int) -> None:
    """Label rates that were tried, powers of ten first, as far as labels have room."""
    if not rates:
        return
    room = np.log10(max(rates) / min(rates)) / most
    labelled: list[float] = []
    for rate in sorted(rates, key=lambda one: (f"{one:e}"[0] != "1", one)):
        if all(abs(np.log10(rate / other)) >= room for other in labelled):
            labelled.append(rate)
    axes.xaxis.set_major_locator(FixedLocator(sorted(labelled)))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{rate:g}" for rate in sorted(labelled)]))
    axes.xaxis.set_minor_locator(NullLocator())

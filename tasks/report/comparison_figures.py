"""The pictures of a comparison. Each function returns a figure and writes nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from study.comparison import Comparison, Contender, Setting, Trial

# The same for an optimizer everywhere. Okabe and Ito's colours, which colour-blind people can tell apart, but for
# their yellow and black, which white paper and text take; the markers tell them apart without colour.
STYLES = {
    "sgd": ("#0072B2", "o"),
    "momentum": ("#D55E00", "s"),
    "rmsprop": ("#009E73", "^"),
    "adam": ("#CC79A7", "D"),
    "adamw": ("#E69F00", "P"),
    "nadam": ("#56B4E9", "v"),
    "adagrad": ("#666666", "X"),
    "lion": ("#882255", "*"),
}
LINES = ("-", "--", ":", "-.")  # of contenders that share an optimizer
DIVERGED = "#B00020"
ACCURACIES = (0.1, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999)


def style_of(contender: Contender, contenders: Sequence[Contender]) -> dict[str, Any]:
    """Return how a contender is drawn: colour and marker are its optimizer's, the line tells its variants apart."""
    colour, marker = STYLES[contender.optimizer]
    same = [
        other.label for other in sorted(contenders, key=lambda one: one.label) if other.optimizer == contender.optimizer
    ]
    return {"color": colour, "marker": marker, "linestyle": LINES[same.index(contender.label) % len(LINES)]}


def learning_curves(comparison: Comparison) -> Figure:
    """Draw validation accuracy over the epochs: the median of each contender's seeds, and a band from least to most."""
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    axes = figure.subplots()
    scale = _AccuracyScale(comparison)
    for contender in comparison.contenders:
        curves = [
            trial.validation_accuracy for trial in comparison.chosen_trials(contender) if trial.outcome == "completed"
        ]
        style = style_of(contender, comparison.contenders)
        label = f"{contender.label}, learning rate {contender.learning_rate:g}"
        if not curves:
            axes.plot([], [], label=f"{label} (diverged)", **style)
            continue
        epochs = range(1, len(curves[0]) + 1)
        errors = scale.errors(curves)
        axes.plot(epochs, np.median(errors, axis=0), label=label, markersize=4, **style)
        axes.fill_between(epochs, errors.min(axis=0), errors.max(axis=0), color=style["color"], alpha=0.15, linewidth=0)
    scale.apply(axes)
    axes.set(xlabel="epoch", ylabel="validation accuracy")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _finish(axes, comparison.target)
    return figure


def learning_rates(comparison: Comparison) -> Figure:
    """Draw final validation accuracy against the learning rate: medians, every seed, and what diverged."""
    figure = Figure(figsize=(9, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("log")
    scale = _AccuracyScale(comparison)
    for contender in comparison.contenders:
        style = style_of(contender, comparison.contenders)
        settings = [setting for setting in comparison.settings if _belongs(setting, contender)]
        medians = {setting.learning_rate: setting.median for setting in settings if setting.median}
        axes.plot([*medians], scale.errors(medians.values()), label=contender.label, markersize=6, **style)
        for setting in settings:
            seeds = [accuracy for accuracy in setting.accuracies if accuracy]
            rates = [setting.learning_rate] * len(seeds)
            axes.plot(rates, scale.errors(seeds), ".", color=style["color"], alpha=0.5)
            if setting.diverged:
                _mark_diverged(axes, setting, contender.label)
        if contender.median:
            best = [contender.learning_rate], scale.errors([contender.median])
            axes.plot(*best, "o", markersize=14, fillstyle="none", color=style["color"])
    axes.xaxis.set_major_locator(FixedLocator(sorted({setting.learning_rate for setting in comparison.settings})))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
    scale.apply(axes)
    axes.set(xlabel="learning rate", ylabel="final validation accuracy")
    _finish(axes, comparison.target)
    return figure


def _belongs(one: Setting, contender: Contender) -> bool:
    return (one.optimizer, one.loss, one.batch_size) == (contender.optimizer, contender.loss, contender.batch_size)


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
    axes.annotate(
        f"{setting.diverged} of {label}",
        (setting.learning_rate, 0.04),
        xycoords=bottom,
        xytext=(0, 9),
        textcoords="offset points",
        ha="center",
        color=DIVERGED,
        fontsize=8,
    )


def time_to_target(comparison: Comparison) -> Figure:
    """Draw how long each contender takes to the target, a mark a seed; a miss lies beyond the right border."""
    contenders = comparison.contenders
    figure = Figure(figsize=(9, 1.3 + 0.5 * max(1, len(contenders))), layout="constrained")
    units: dict[str, Callable[[Trial, float], float]] = {"epochs": Trial.epochs_to, "seconds": Trial.seconds_to}
    for axes, (unit, time_of) in zip(figure.subplots(1, 2, sharey=True), units.items(), strict=True):
        times = {
            contender.label: [time_of(trial, comparison.target) for trial in comparison.chosen_trials(contender)]
            for contender in contenders
        }
        reached = [time for each in times.values() for time in each if math.isfinite(time)]
        border = 1.1 * max(reached, default=1.0)
        missed = 1.1 * border
        for row, contender in enumerate(contenders):
            style = style_of(contender, contenders)
            for time in times[contender.label]:
                shown = {"x": time, "alpha": 0.6} if math.isfinite(time) else {"x": missed, "facecolor": "none"}
                edge = {"edgecolor": style["color"], "marker": style["marker"]}
                axes.scatter(y=row, **{"facecolor": style["color"], **edge, **shown}, s=45, zorder=3)
            median = float(np.median(times[contender.label]))
            if math.isfinite(median):
                axes.plot([median, median], [row - 0.3, row + 0.3], color=style["color"], linewidth=3)
        if any(not math.isfinite(time) for each in times.values() for time in each):
            axes.axvspan(border, 1.2 * border, color="#EEEEEE", zorder=0, linewidth=0)
            axes.set_xlim(0, 1.2 * border)
            axes.text(missed, -0.75, "not reached", ha="center", va="bottom", fontsize=9, color="#555555")
            axes.xaxis.set_major_locator(FixedLocator([tick for tick in axes.get_xticks() if tick < border]))
        else:
            axes.set_xlim(0, border)
        axes.set_yticks(range(len(contenders)), [contender.label for contender in contenders])
        axes.set_ylim(len(contenders) - 0.4, -0.8)
        axes.set_xlabel(f"{unit} until {100 * comparison.target:g} % of validation accuracy")
        axes.grid(axis="x", alpha=0.3)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(left=False)
    return figure


class _AccuracyScale:
    """An axis of accuracy with room where it matters: the error, on a logarithmic scale, labelled as accuracy."""

    def __init__(self, comparison: Comparison) -> None:
        shown = [1 - accuracy for trial in comparison.trials for accuracy in trial.validation_accuracy]
        positive = [error for error in [*shown, 1 - comparison.target] if error > 1e-9]
        self._least = min(positive) / 2  # where an accuracy of 1 is drawn
        self._most = max(positive)

    def errors(self, accuracies: Iterable[Any]) -> np.ndarray:
        return np.asarray(np.maximum(1 - np.array(list(accuracies), dtype=float), self._least))

    def apply(self, axes: Axes) -> None:
        axes.set_yscale("log")
        axes.set_ylim(min(1.0, self._most * 1.3), self._least * 0.8)
        ticks = [accuracy for accuracy in ACCURACIES if self._least * 0.8 <= 1 - accuracy <= self._most * 1.3]
        axes.yaxis.set_major_locator(FixedLocator([1 - accuracy for accuracy in ticks]))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda error, _: f"{100 * (1 - error):.4g} %"))


def _finish(axes: Axes, target: float) -> None:
    axes.axhline(1 - target, color="#444444", linestyle=(0, (6, 4)), linewidth=1, label=f"target, {100 * target:g} %")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.01, 0.5))

"""The pictures of one run. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from models.measures import confusion_counts
from tasks.foundation.log import task_log
from tasks.report.drawing import families_for, png

# Okabe and Ito's colours, which colour-blind people can tell apart.
STYLES: dict[str, dict[str, Any]] = {
    "train": {"color": "#0072B2", "marker": "o"},
    "validation": {"color": "#D55E00", "marker": "s"},
}
MOST_LABELLED_CLASSES = 30
LONGEST_LABEL = 24  # characters; longer names would leave no room for the matrix
MATRIX, KEY = "confusion_matrix.png", "confusion_matrix_classes.txt"


def training_curves(epochs: Sequence[int], measures: Mapping[str, Mapping[str, Sequence[float | None]]]) -> Figure:
    """Draw each measure over the epochs, the loss first; ``measures`` holds, by name, the values of each split."""
    figure = Figure(figsize=(4.5 * len(measures), 3.6), layout="constrained")
    for axes, (name, splits) in zip(figure.subplots(1, len(measures)), measures.items(), strict=True):
        for split, curve in splits.items():
            if None not in curve:
                axes.plot(epochs, curve, markersize=3, label=split, **STYLES[split])
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.axes[0].set_ylim(bottom=0)
    return figure


def confusion_matrix_files(labels: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> dict[str, bytes]:
    """Return the confusion matrix as a picture, by its file's name.

    Where this machine has no font for the names of the classes, the picture numbers them, and a second file says
    which is which.
    """
    shown = [_as_label(name) for name in classes]
    labelled = len(classes) <= MOST_LABELLED_CLASSES
    families = families_for(shown) if labelled else []
    if families is not None:
        return {MATRIX: png(confusion_matrix, labels, predicted, shown, families or None)}
    task_log().warning(
        "This machine has no font with all characters of the classes' names (%s): the confusion matrix numbers them, "
        "and %s says which is which.",
        *(", ".join(shown), KEY),
    )
    numbers = [str(number) for number in range(len(classes))]
    key = "".join(f"{number}  {name}\n" for number, name in zip(numbers, classes, strict=True))
    return {MATRIX: png(confusion_matrix, labels, predicted, numbers), KEY: key.encode("utf-8", "backslashreplace")}


def _as_label(name: str) -> str:
    """Return a name as it can be drawn in a line: not too long, and with escapes for what cannot be seen."""
    visible = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in name)
    return visible if len(visible) <= LONGEST_LABEL else f"{visible[: LONGEST_LABEL - 1]}…"


def confusion_matrix(
    labels: np.ndarray, predicted: np.ndarray, classes: Sequence[str], families: Sequence[str] | None = None
) -> Figure:
    """Draw how often each class (rows) was taken for which (columns), coloured by the share of its row.

    ``families`` of fonts have the names of the classes; none: matplotlib's own has them.
    """
    size = len(classes)
    counts = confusion_counts(labels, predicted, size)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = min(12.0, 2.5 + 0.45 * size)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    accuracy = np.trace(counts) / max(counts.sum(), 1)
    axes.set(xlabel="predicted", ylabel="true", title=f"Test split: {accuracy:.2%} of {counts.sum():,} right")
    if size <= MOST_LABELLED_CLASSES:
        longest = max(len(name) for name in classes)
        axes.set_xticks(range(size), classes, rotation=90 if longest > 2 else 0, fontfamily=families)
        axes.set_yticks(range(size), classes, fontfamily=families)
        for row, column in np.argwhere(counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, counts[row, column], ha="center", va="center", color=colour, fontsize=8)
    return figure

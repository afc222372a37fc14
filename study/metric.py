"""The measure that a run's best epoch and a comparison are about, in which epoch, and the words for it."""

from __future__ import annotations

from typing import Literal

from study.number_formats import percent

Metric = Literal["accuracy", "balanced_accuracy", "macro_f1"]
NAMES: dict[Metric, str] = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
}

Keep = Literal["last", "best"]  # the epoch whose weights a run keeps, and whose value is a trial's score
EPOCHS: dict[Keep, str] = {"last": "final", "best": "best-epoch"}


def reached(target: float, metric: Metric) -> str:
    """Return a value to be reached, in words that name the metric where it is not the usual one."""
    return percent(target) if metric == "accuracy" else f"{percent(target)} of {NAMES[metric]}"

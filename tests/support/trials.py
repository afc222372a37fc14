"""Trials of a comparison, made of what matters to a test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from study.comparison import Comparison, Contender, Interval, Trial

TARGET = 0.9
SEEDS = range(3)


def trial(*accuracies: float, **changes: Any) -> Trial:
    """A trial with these validation accuracies by epoch, each of 10 steps and of 2 seconds more than the last."""
    made = {
        "optimizer": "adam",
        "loss": "mse",
        "batch_size": 32,
        "learning_rate": 0.01,
        "seed": 0,
        "outcome": "completed",
        "steps_per_epoch": 10,
        "train_loss": [1.0] * len(accuracies),
        "validation_accuracy": accuracies,
        "epoch_seconds": [2.0 * epoch + 1 for epoch in range(len(accuracies))],
        **changes,
    }
    name = "-".join(str(made[part]) for part in ("optimizer", "loss", "batch_size", "learning_rate", "seed"))
    return Trial(**{"run_id": name, **made})


def finals(optimizer: str, accuracies: Sequence[float], **changes: Any) -> list[Trial]:
    """A trial of one epoch for each final accuracy, with the seeds 0, 1, ..."""
    return [trial(value, **{"optimizer": optimizer, "seed": n, **changes}) for n, value in enumerate(accuracies)]


def reaching(optimizer: str, epochs: Sequence[int], final: float = 0.95, **changes: Any) -> list[Trial]:
    """A trial of six epochs for each epoch that is the first to reach the target; 0 for never."""
    histories = [[0.1] * (first - 1) + [0.95] * (6 - first) + [final] if first else [0.1] * 6 for first in epochs]
    return [trial(*history, **{"optimizer": optimizer, "seed": n, **changes}) for n, history in enumerate(histories)]


def only(comparison: Comparison) -> Contender:
    (contender,) = comparison.contenders
    return contender


def exact(statistic: Callable[[Sequence[Any]], float], values: Sequence[Any]) -> Interval:
    """The ends of the middle 95 % of the statistic over all equally likely resamples."""
    every = sorted(statistic(drawn) for drawn in itertools.product(values, repeat=len(values)))
    low, high = np.percentile(every, [2.5, 97.5], method="inverted_cdf")
    return float(low), float(high)

"""Contenders, pairs and settings with nothing to be cautious about, but for what a test changes."""

from __future__ import annotations

from typing import Any

from study.cautions import cautions
from study.comparison import Contender, Pair, Setting


def contender(label: str = "adam", **changes: Any) -> Contender:
    """A contender of five seeds, without anything to be cautious about."""
    made = {
        "label": label,
        "optimizer": label,
        "loss": "mse",
        "batch_size": 32,
        "learning_rate": 0.001,
        "learning_rates": (0.0001, 0.001, 0.01),
        "at_edge": False,
        "seeds": 5,
        "accuracies": (0.98, 0.985, 0.9861, 0.987, 0.988),
        "median": 0.9861,
        "interquartile_mean": 0.98603,
        "interval": (0.9833, 0.98767),
        "best_accuracy": 0.99,
        "reached": 5,
        "epochs_to_target": 4.0,
        "epochs_interval": (3.0, 5.5),
        "steps_to_target": 40.0,
        "seconds_to_target": 8.0,
        "diverged": 0,
        "failed": 0,
    }
    return Contender(**{**made, **changes})


def pair(first: str = "adam", second: str = "sgd", **changes: Any) -> Pair:
    """A pair of five seeds that cannot be told apart."""
    made = {
        "first": first,
        "second": second,
        "seeds": 5,
        "probability": 0.6,
        "difference": 0.0004,
        "interval": (-0.001, 0.0021),
        "told_apart": False,
        "epochs_ratio": None,
        "epochs_ratio_interval": None,
    }
    return Pair(**{**made, **changes})


def setting(one: Contender, **changes: Any) -> Setting:
    names = ("optimizer", "loss", "batch_size", "learning_rate", "accuracies", "median", "diverged", "failed")
    return Setting(**{**{name: getattr(one, name) for name in names}, **changes})


def warned(*contenders: Contender, pairs: tuple[Pair, ...] = (), left_out: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The cautions, less the one that is always there where several learning rates were tried."""
    said = cautions(contenders, pairs, [setting(one) for one in contenders], left_out)
    return tuple(sentence for sentence in said if not sentence.startswith("Each best learning rate"))

"""When a fit ends before all of its epochs, and what it takes to know which of them is the best."""

from __future__ import annotations

from collections.abc import Sequence

from study.metric import NAMES, Keep, Metric
from study.number_formats import counted
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError
from tasks.training.fit_state import EpochRow, best_of


def ended_early(rows: Sequence[EpochRow], metric: Metric, patience: int | None) -> str:
    """Say why a fit with these epochs is over though more were asked for; empty if it is not.

    It is where ``patience`` epochs, one after the other, were not better than the best before them.
    """
    best = best_of(rows, metric)
    if patience is None or best is None or rows[-1].epoch - best.epoch < patience:
        return ""
    return (
        f"ended after epoch {rows[-1].epoch}: no better validation {NAMES[metric]} in {counted(patience, 'epoch')} "
        f"since epoch {best.epoch}"
    )


def require_validation_images(prepared: PreparedDataset, *, keep: Keep, patience: int | None) -> None:
    """Raise InputError where the best epoch decides something, and no validation images tell which it is."""
    if prepared.examples["validation"]:
        return
    given = {"keep": keep if keep == "best" else None, "patience": patience}
    for name, value in given.items():
        if value is not None:
            raise InputError(
                f"{name}: received {value!r}, but there are no validation images to tell the best epoch by; "
                f"leave {name} out, or hold some back with validation_fraction, for instance 0.1"
            )

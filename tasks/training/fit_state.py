"""Where a fit stands, and what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from study.metric import Keep, Metric


class EpochRow(BaseModel):
    """What one epoch came to.

    The validation values are none where nothing is held back for validation, and top-5 accuracy for ten classes or
    fewer; so is the share of updates whose gradients were clipped where nothing is, or no update fell into the epoch.
    What older versions did not keep is none for the epochs that they trained: the digest of the weights at its end, and
    all measures of the validation but loss and accuracy.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    step_milliseconds: float
    epoch_seconds: float
    weights_sha256: str | None = None
    validation_balanced_accuracy: float | None = None
    validation_macro_f1: float | None = None
    validation_top_5_accuracy: float | None = None
    train_clipped_share: float | None = None

    def validation(self, metric: Metric) -> float | None:
        """Return the value of a metric in validation; none if there is none."""
        value: float | None = getattr(self, f"validation_{metric}")
        return value

    def metrics(self) -> dict[str, float]:
        """Return the values that there are, by their names in the tracker."""
        named = {
            "train/loss": self.train_loss,
            "train/accuracy": self.train_accuracy,
            "train/clipped_share": self.train_clipped_share,
            "validation/loss": self.validation_loss,
            "validation/accuracy": self.validation_accuracy,
            "validation/balanced_accuracy": self.validation_balanced_accuracy,
            "validation/macro_f1": self.validation_macro_f1,
            "validation/top_5_accuracy": self.validation_top_5_accuracy,
            "learning_rate": self.learning_rate,
            "step_milliseconds": self.step_milliseconds,
            "epoch_seconds": self.epoch_seconds,
        }
        return {name: value for name, value in named.items() if value is not None}


class EpochSoFar(BaseModel):
    """How far an epoch has come, in whole steps: sums over its examples, and the seconds spent on it.

    ``clipping`` has the updates, and those of them whose gradients were clipped; zeros where none ever are.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    steps: int = 0
    examples: int = 0
    loss_sum: float = 0.0
    right: int = 0
    clipping: tuple[int, int] = (0, 0)
    learning_rate: float = 0.0
    seconds: float = 0.0


class FitState(BaseModel):
    """Where a fit stands: a row for each finished epoch, and how far the next one has come."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    rows: tuple[EpochRow, ...] = ()
    epoch: EpochSoFar = EpochSoFar()


class FitResult(BaseModel):
    """A fit that ended.

    Attributes:
        model: The trained model, a compiled .keras file, with the weights to evaluate with of the epoch that is kept.
        outcome: ``diverged`` if a loss or a weight turned NaN or infinite: then there is no model worth testing.
        reason: What diverged where, or why a completed fit ended before all of its epochs; else empty.
        epochs: A row for each finished epoch.
        seconds: Spent on these epochs.
        metric: What the best epoch is the best of.
        keep: Which epoch is kept.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    model: Path
    outcome: Literal["completed", "diverged"]
    reason: str
    epochs: tuple[EpochRow, ...]
    seconds: float
    metric: Metric = "accuracy"
    keep: Keep = "last"

    @property
    def best(self) -> EpochRow | None:
        """The epoch of the highest value of the metric in validation, the first of them; none without a score."""
        return None if self.outcome == "diverged" else best_of(self.epochs, self.metric)


def best_of(rows: Sequence[EpochRow], metric: Metric) -> EpochRow | None:
    """Return the epoch of the highest value of a metric in validation, the first of them; none without validation."""
    validated = [row for row in rows if row.validation(metric) is not None]
    return max(validated, key=lambda row: row.validation(metric) or 0.0, default=None)

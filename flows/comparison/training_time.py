"""What a training takes, as far as an estimate needs it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class TrainingTime(BaseModel):
    """What a training takes.

    Attributes:
        start_seconds: Once: building, compiling, tracing, saving.
        step_seconds: For each step.
        validation_seconds: For each epoch.
    """

    model_config = ConfigDict(frozen=True)

    start_seconds: float
    step_seconds: float
    validation_seconds: float

    def seconds(self, *, epochs: int, steps_per_epoch: int) -> float:
        """Return what a whole training takes."""
        return self.start_seconds + epochs * (steps_per_epoch * self.step_seconds + self.validation_seconds)

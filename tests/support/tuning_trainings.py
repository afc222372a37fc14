"""The trainings that a comparison begins with."""

from __future__ import annotations

from flows.parameters.compare import CompareParameters
from flows.parameters.study_plan import training_of, tuning_trials
from flows.parameters.train import TrainParameters


def trainings(p: CompareParameters) -> list[TrainParameters]:
    """Return them in the order in which they are asked for."""
    return [training_of(p, planned) for planned in tuning_trials(p)]

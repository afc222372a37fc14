"""The trainings that a comparison begins with."""

from __future__ import annotations

from flows.parameters.compare import CompareParameters
from flows.parameters.study_plan import plan_of, training_of
from flows.parameters.train import TrainParameters
from study.rounds import next_round

EXAMPLES = {"train": 900, "validation": 100}


def trainings(p: CompareParameters) -> list[TrainParameters]:
    """Return them in the order in which they are asked for."""
    return [training_of(p, planned) for planned in next_round(plan_of(p, EXAMPLES), ())]

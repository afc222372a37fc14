"""How long training takes, measured."""

from __future__ import annotations

from typing import Any

import pytest

from flows.comparison.calibration import TrainingTime, measure_training_time
from flows.parameters.train import TrainParameters
from models.class_weights import ClassWeight


def test_a_training_takes_its_start_its_steps_and_its_validations() -> None:
    measured = TrainingTime(start_seconds=3, step_seconds=0.01, validation_seconds=0.5)
    assert measured.seconds(epochs=4, steps_per_epoch=100) == pytest.approx(3 + 4 * (1 + 0.5))


@pytest.mark.parametrize("class_weight", ["none", "balanced"])
@pytest.mark.parametrize("augment", [None, ("flip", "crop")])
def test_it_is_measured_by_training(prepared: Any, augment: tuple[str, ...] | None, class_weight: ClassWeight) -> None:
    recipe = {**TrainParameters(optimizer="adam").recipe(), "steps_per_epoch": 6}
    how = {"model": "lenet", "batch_size": 32, "class_weight": class_weight, "device": "cpu"}
    measured = measure_training_time(prepared, augment=augment, recipe=recipe, sources={}, **how)
    assert 0 < measured.step_seconds < measured.start_seconds  # which traces what the steps only run
    assert measured.validation_seconds > 0

"""The parameters that a training run and a comparison have in common: types, bounds, choices and descriptions.

The command line, the form in the Prefect UI, ``prefect deployment run --param`` and the Python call all read
the models of this room. Nothing heavy is imported here, so that ``--help`` answers at once.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from flows.parameters.data import DataParameters
from flows.parameters.network import NetworkParameters
from flows.parameters.network_names import SMALLEST_SIDES
from flows.parameters.optimizer import OptimizerParameters
from flows.parameters.recording import RecordingParameters
from flows.parameters.training import TrainingParameters


class SharedParameters(RecordingParameters, TrainingParameters, OptimizerParameters, NetworkParameters, DataParameters):
    """What a training run and a comparison of many have in common, group by group."""

    @model_validator(mode="after")
    def _refuse_images_that_the_network_does_not_take(self) -> SharedParameters:
        """Raise ValueError for images that are known to be too small, before any are prepared."""
        smallest = SMALLEST_SIDES.get(self.model, 0)  # of a person's own network nothing is known here
        if self.image_size < smallest:
            raise ValueError(
                f"image_size: received {self.image_size} with model {self.model!r}, which takes images of at least "
                f"{smallest} pixels a side; give a larger image_size, or choose another model"
            )
        return self

    @model_validator(mode="after")
    def _refuse_to_unfreeze_after_the_end(self) -> SharedParameters:
        """Raise ValueError for a backbone that no epoch would be left to train."""
        if self.unfreeze_after is not None and self.unfreeze_after >= self.epochs:
            raise ValueError(
                f"unfreeze_after: received {self.unfreeze_after} with epochs {self.epochs}, which leaves no epoch for "
                "what was frozen; give more epochs, or a smaller number"
            )
        return self

    @model_validator(mode="after")
    def _refuse_float16_on_a_cpu(self) -> Self:
        """Raise ValueError for a precision that the device is no good for; which one ``auto`` is shows later."""
        if self.precision == "mixed_float16" and self.device == "cpu":
            raise ValueError(
                "precision: received 'mixed_float16' with device cpu, which is slower in float16 than in float32 and "
                "no more exact; choose float32 or mixed_bfloat16, or device gpu"
            )
        return self

"""The parameters that say which network is trained, and which part of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from flows.parameters.bounds import MOST_EPOCHS
from flows.parameters.group import ParameterGroup
from flows.parameters.hyperparameters import FreezeName, PrecisionName
from flows.parameters.network_names import IMAGENET, KERAS, NetworkName, WeightsName
from study.number_formats import counted
from study.short_names import short_name
from tasks.foundation.own_source import is_own


class NetworkParameters(ParameterGroup):
    """The network, the weights that it begins with, and what of it is trained when."""

    model: Annotated[
        NetworkName,
        Field(
            description="the network: lenet; resnet8, for small colour images; keras:NAME, any of keras.applications "
            "(keras:EfficientNetV2B0, keras:MobileNetV3Small, ...); or MODULE:FUNCTION or FILE.py:FUNCTION, a function "
            "of your own"
        ),
    ] = "lenet"
    precision: Annotated[
        PrecisionName,
        Field(
            description="what the layers compute in; mixed: in 16 bits, with weights and logits in float32 "
            "(mixed_float16: on a GPU alone)"
        ),
    ] = "float32"
    weights: Annotated[
        WeightsName | None,
        Field(
            description="what the network begins with: imagenet, for keras: networks; run:RUN_ID or study:STUDY, what "
            "a training or what a comparison recommends has come to; FILE.keras; none: drawn from the seed"
        ),
    ] = None
    freeze: Annotated[
        FreezeName, Field(description="backbone: train the head alone, the layer that makes the logits")
    ] = "none"
    unfreeze_after: Annotated[
        int | None,
        Field(ge=1, lt=MOST_EPOCHS, description="train all of the network after so many epochs; none: the head alone"),
    ] = None
    fine_tune_factor: Annotated[
        float | None,
        Field(gt=0, le=1, description="what the learning rate is multiplied by from then on; none: 0.1"),
    ] = None

    @model_validator(mode="after")
    def _refuse_what_has_no_weights(self) -> NetworkParameters:
        """Raise ValueError for weights that a network has not, and for a frozen backbone that never learned a thing."""
        if self.weights == IMAGENET and not self.model.startswith(KERAS):
            raise ValueError(
                f"weights: received {IMAGENET} with model {self.model!r}, but only {KERAS} networks have such "
                f"weights; choose one of these ({KERAS}MobileNetV3Small), or leave weights out"
            )
        if self.freeze != "none" and self.weights is None and not is_own(self.model):
            raise ValueError(
                f"freeze: received {self.freeze} without weights, so that all but the head would stay as it was drawn; "
                "give weights, or leave freeze out"
            )
        if self.unfreeze_after is not None and self.freeze == "none":
            raise ValueError(
                f"unfreeze_after: received {self.unfreeze_after} with freeze none, where nothing is frozen; leave it "
                "out, or give freeze backbone"
            )
        if self.fine_tune_factor is not None and self.unfreeze_after is None:
            raise ValueError(
                f"fine_tune_factor: received {self.fine_tune_factor:g} without unfreeze_after, so that nothing is ever "
                "fine-tuned; leave it out, or give unfreeze_after"
            )
        return self

    def fine_tuning(self) -> tuple[int, float] | None:
        """Return after how many epochs the learning rate is multiplied by what; none if that never happens."""
        if self.unfreeze_after is None or self.fine_tune_factor is None:
            return None
        return self.unfreeze_after, self.fine_tune_factor

    def network_label(self) -> str:
        """Return the network, with what it begins with and what of it is trained, if that is not all from the seed."""
        weights = [f"weights {self.weights}"] if self.weights else []
        how_long = "" if self.unfreeze_after is None else f" for {counted(self.unfreeze_after, 'epoch')}"
        frozen = [f"{self.freeze} frozen{how_long}"] if self.freeze != "none" else []
        return ", ".join([short_name(self.model), *weights, *frozen]) + ("," if weights or frozen else "")

"""The parameters that say how an optimizer moves the weights."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flows.parameters.bounds import MOST_EPOCHS
from flows.parameters.group import ParameterGroup
from flows.parameters.hyperparameters import ScheduleName


class OptimizerParameters(ParameterGroup):
    """What optimizers have in common, and what only some have.

    A hyperparameter that belongs to some optimizers only is ``None`` unless it is given; where it applies, its
    default is filled in; where it does not, giving it is an error.
    """

    schedule: Annotated[ScheduleName, Field(description="how the learning rate changes over the epochs")] = "constant"
    warmup_epochs: Annotated[
        float, Field(ge=0, lt=MOST_EPOCHS, description="epochs over which the learning rate first rises in a line")
    ] = 0.0
    weight_decay: Annotated[float, Field(ge=0, lt=1, description="decoupled weight decay, never on biases")] = 0.0
    momentum: Annotated[
        float | None,
        Field(ge=0, lt=1, description="for momentum (none: 0.9) and rmsprop (none: 0)"),
    ] = None
    nesterov: Annotated[bool | None, Field(description="for momentum: look ahead as Nesterov does; none: false")] = None

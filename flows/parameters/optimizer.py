"""The parameters that say how an optimizer moves the weights."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from flows.parameters.bounds import LARGEST, LARGEST_BATCH, LEAST, MOST_EPOCHS
from flows.parameters.group import ParameterGroup
from flows.parameters.hyperparameters import EMA_MOMENTUM, AverageName, ScheduleName
from flows.parameters.own_arguments import OwnArguments


class OptimizerParameters(ParameterGroup):
    """What optimizers have in common, and what only some have.

    A hyperparameter that belongs to some optimizers only is ``None`` unless it is given; where it applies, its
    default is filled in; where it does not, giving it is an error.
    """

    schedule: Annotated[ScheduleName, Field(description="how the learning rate changes over the epochs")] = "constant"
    warmup_epochs: Annotated[
        float, Field(ge=0, lt=MOST_EPOCHS, description="epochs over which the learning rate first rises in a line")
    ] = 0.0
    weight_decay: Annotated[float, Field(ge=0, lt=1, description="decoupled weight decay, on kernels alone")] = 0.0
    momentum: Annotated[
        float | None,
        Field(
            ge=0,
            lt=1,
            description="for momentum (none: 0.9), rmsprop (none: 0) and muon (none: 0.95): share of the last step "
            "kept",
        ),
    ] = None
    nesterov: Annotated[
        bool | None, Field(description="for momentum (none: false) and muon (none: true): look ahead as Nesterov does")
    ] = None
    beta_1: Annotated[
        float | None,
        Field(
            ge=0,
            lt=1,
            description="for adam, adamw, nadam, adamax, lamb, lion and muon: share of the mean gradient kept; for "
            "schedule_free_adamw: how near to the mean of the weights the gradient is taken; none: 0.9",
        ),
    ] = None
    beta_2: Annotated[
        float | None,
        Field(
            ge=0,
            lt=1,
            description="for adam, adamw, nadam, adamax, lamb, muon, schedule_free_adamw (none: 0.999) and lion "
            "(none: 0.99): share of the mean square kept, for adamax of the largest gradient, for lion of the mean "
            "gradient",
        ),
    ] = None
    epsilon: Annotated[
        float | None,
        Field(
            ge=LEAST,
            le=LARGEST,
            description="for rmsprop, adam, adamw, nadam, adamax, adagrad, adadelta, lamb, muon (none: 1e-07) and "
            "schedule_free_adamw (none: 1e-08): added to what a step is divided by",
        ),
    ] = None
    amsgrad: Annotated[
        bool | None, Field(description="for adam and adamw: divide by the largest mean square so far; none: false")
    ] = None
    rho: Annotated[
        float | None,
        Field(ge=0, lt=1, description="for rmsprop (none: 0.9) and adadelta (none: 0.95): share of the squares kept"),
    ] = None
    centered: Annotated[
        bool | None,
        Field(description="for rmsprop: divide by the variance of the gradient, not its square; none: false"),
    ] = None
    initial_accumulator_value: Annotated[
        float | None,
        Field(ge=LEAST, le=LARGEST, description="for adagrad and ftrl: what the sum of squares begins with; none: 0.1"),
    ] = None
    beta_2_decay: Annotated[
        float | None,
        Field(ge=-1, le=0, description="for adafactor: of the squares 1 - t^beta_2_decay are kept; none: -0.8"),
    ] = None
    epsilon_1: Annotated[
        float | None,
        Field(ge=LEAST, le=LARGEST, description="for adafactor: added to the square of the gradient; none: 1e-30"),
    ] = None
    epsilon_2: Annotated[
        float | None,
        Field(ge=LEAST, le=LARGEST, description="for adafactor: the least that a step is relative to; none: 0.001"),
    ] = None
    clip_threshold: Annotated[
        float | None,
        Field(ge=LEAST, le=LARGEST, description="for adafactor: the largest root mean square of an update; none: 1"),
    ] = None
    relative_step: Annotated[
        bool | None, Field(description="for adafactor: let the rate be at most 1 / sqrt(t) in step t; none: true")
    ] = None
    learning_rate_power: Annotated[
        float | None,
        Field(ge=-1, le=0, description="for ftrl: power of the sum of squares that the rate goes by; none: -0.5"),
    ] = None
    l1_regularization_strength: Annotated[
        float | None, Field(ge=0, le=LARGEST, description="for ftrl: pulls weights to exactly 0; none: 0")
    ] = None
    l2_regularization_strength: Annotated[
        float | None, Field(ge=0, le=LARGEST, description="for ftrl: pulls weights towards 0; none: 0")
    ] = None
    l2_shrinkage_regularization_strength: Annotated[
        float | None, Field(ge=0, le=LARGEST, description="for ftrl: as a penalty on the loss would; none: 0")
    ] = None
    beta: Annotated[
        float | None,
        Field(ge=0, le=LARGEST, description="for ftrl: added to the root of the sum of squares; none: 0"),
    ] = None
    ns_steps: Annotated[
        int | None,
        Field(ge=1, le=100, description="for muon: Newton-Schulz iterations that make a step orthogonal; none: 5"),
    ] = None
    optimizer_args: Annotated[
        OwnArguments | None,
        Field(description="for an optimizer of your own: its constructor's other arguments, rho=0.9,hessian_every=10"),
    ] = None
    clip_norm: Annotated[
        float | None,
        Field(
            gt=0,
            le=LARGEST,
            description="largest norm of the gradients of an update, all weights together; larger ones are shortened "
            "to it; none: any",
        ),
    ] = None
    accumulate: Annotated[
        int, Field(ge=1, le=LARGEST_BATCH, description="batches whose mean gradient makes one update")
    ] = 1
    average: Annotated[
        AverageName,
        Field(
            description="ema: validation, test and the stored model use a moving average of the weights; training goes "
            "on with the weights themselves"
        ),
    ] = "none"
    ema_momentum: Annotated[
        float | None,
        Field(ge=0, lt=1, description="for average ema: how much of the average stays at each step; none: 0.99"),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _fill_in_how_an_average_moves(cls, given: Any) -> Any:
        """Give the average that is chosen its default momentum."""
        if isinstance(given, dict) and given.get("average") == "ema" and given.get("ema_momentum") is None:
            return {**given, "ema_momentum": EMA_MOMENTUM}
        return given

    @model_validator(mode="after")
    def _refuse_the_momentum_of_no_average(self) -> Self:
        """Raise ValueError for a momentum without an average that has it."""
        if self.ema_momentum is not None and self.average != "ema":
            raise ValueError(
                f"ema_momentum: received {self.ema_momentum:g}, but average {self.average!r} has no momentum; "
                "leave it out, or choose average ema"
            )
        return self

"""What is asked of a comparison: what is compared, how it is tuned, and when it is known well enough."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from flows.parameters.bounds import LARGEST, LARGEST_BATCH
from flows.parameters.hyperparameters import LossName, OptimizerName
from flows.parameters.several import Several
from flows.parameters.shared import SharedParameters
from study.plan import FIRST_CONFIRM_SEED


def _ascending(values: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(values))


Rates = Annotated[tuple[Annotated[float, Field(gt=0, le=LARGEST)], ...], *Several, Field(min_length=1)]
Looks = Annotated[
    tuple[Annotated[int, Field(ge=2, le=1000)], ...], *Several, AfterValidator(_ascending), Field(min_length=1)
]


class Question(SharedParameters):
    """All that the answer depends on, but for the code and the processor."""

    optimizers: Annotated[
        tuple[OptimizerName, ...], *Several, Field(min_length=1, description="the update rules to compare")
    ] = ("sgd", "momentum", "rmsprop", "adam")
    learning_rates: Annotated[
        Rates | None, Field(description="the rates to try with each; none: a grid around each optimizer's usual one")
    ] = None
    grid_size: Annotated[
        int, Field(ge=1, le=9, description="rates in such a grid, each about three times the one before")
    ] = 3
    extend: Annotated[
        bool, Field(description="add up to three rates on a side, while a contender's best is an outermost one")
    ] = True
    looks: Annotated[
        Looks | None,
        Field(
            description="compare with the leader after so many fresh seeds, 1000, 1001, ...; what is decided gets no "
            "more; none: nothing is confirmed",
        ),
    ] = (5, 10, 20)
    margin: Annotated[
        float, Field(ge=0, lt=1, description="values of the metric that differ by less are as good, one as the other")
    ] = 0.002
    losses: Annotated[tuple[LossName, ...], *Several, Field(min_length=1, description="the losses to compare")] = (
        "softmax_cross_entropy",
    )
    batch_sizes: Annotated[
        tuple[Annotated[int, Field(ge=1, le=LARGEST_BATCH)], ...],
        *Several,
        Field(min_length=1, description="examples in one step"),
    ] = (32,)
    seeds: Annotated[
        int,
        Field(
            ge=1,
            le=FIRST_CONFIRM_SEED,
            description="so many trials of each setting, with the seeds 0, 1, ..., to choose the learning rate by",
        ),
    ] = 2
    target: Annotated[float, Field(gt=0, lt=1, description="value of the metric to be reached in validation")] = 0.98

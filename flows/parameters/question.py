"""What is asked of a comparison: what is compared, how it is tuned, and when it is known well enough."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from flows.parameters.bounds import LARGEST, LARGEST_BATCH
from flows.parameters.choice_or_own import fault
from flows.parameters.hyperparameters import USUAL_LEARNING_RATES, LossOrOwn, OptimizerOrOwn, usual_rate
from flows.parameters.several import Several
from flows.parameters.shared import SharedParameters
from study.plan import FIRST_CONFIRM_SEED
from study.short_names import short_name
from tasks.foundation.own_source import is_own


def _ascending(values: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(values))


Rates = Annotated[tuple[Annotated[float, Field(gt=0, le=LARGEST)], ...], *Several, Field(min_length=1)]
UsualRates = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], *Several, Field(min_length=1)]
Looks = Annotated[
    tuple[Annotated[int, Field(ge=2, le=1000)], ...], *Several, AfterValidator(_ascending), Field(min_length=1)
]


class Question(SharedParameters):
    """All that the answer depends on, but for the code and the processor."""

    optimizers: Annotated[
        tuple[OptimizerOrOwn, ...], *Several, Field(min_length=1, description="the update rules to compare")
    ] = ("sgd", "momentum", "rmsprop", "adam")
    learning_rates: Annotated[
        Rates | None, Field(description="the rates to try with each; none: a grid around each optimizer's usual one")
    ] = None
    grid_size: Annotated[
        int, Field(ge=1, le=9, description="rates in such a grid, each about three times the one before")
    ] = 3
    usual_rates: Annotated[
        UsualRates | None,
        Field(
            validate_default=True,
            description="OPTIMIZER=RATE: the rate around which an optimizer's grid is laid; none: its usual one, which "
            "for one of your own is what its constructor has, else 0.001",
        ),
    ] = None
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
    losses: Annotated[tuple[LossOrOwn, ...], *Several, Field(min_length=1, description="the losses to compare")] = (
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

    @field_validator("usual_rates")
    @classmethod
    def _keep_what_files_say(cls, given: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        """Add the usual rates of a person's own optimizers: a comparison is reported when their files are gone, too."""
        optimizers: tuple[str, ...] = info.data.get("optimizers", ())
        shown = {one: short_name(one) for one in optimizers}
        called = {name: one for one in optimizers for name in (one, shown[one], shown[one].rpartition(":")[2])}
        rates: dict[str, float] = {}
        for text in given or ():
            name, _, rate = text.rpartition("=")
            if name not in called and not is_own(name):
                raise fault(f"{name!r} is none of the optimizers {', '.join(shown.values())}")
            rates[called.get(name, name)] = _rate(rate)
        if not info.data.get("learning_rates"):
            rates = {one: usual_rate(one) or 0.0 for one in optimizers if is_own(one)} | rates
        return tuple(f"{name}={rate!r}" for name, rate in rates.items()) or None

    def usual_rate(self, optimizer: str) -> float:
        """Return the rate around which the grid of an optimizer is laid."""
        given = dict(text.rpartition("=")[::2] for text in self.usual_rates or ())
        return float(given.get(optimizer) or USUAL_LEARNING_RATES[optimizer])


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= LARGEST:
        raise fault(f"{text!r} is no rate; allowed: a number, more than 0, at most {LARGEST:g}")
    return rate

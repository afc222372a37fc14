"""The parameters of a comparison, and the trials that they stand for."""

from __future__ import annotations

import hashlib
import json
from itertools import product
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from flows.parameters.hyperparameters import HYPERPARAMETERS, LOSS_OWNS, USUAL_LEARNING_RATES, LossName, OptimizerName
from flows.parameters.shared import LARGEST, LARGEST_BATCH, SharedParameters
from flows.parameters.signature import validated
from flows.parameters.train import TrainParameters

GRID_FACTOR = 10**0.5  # from one learning rate of a grid to the next
MOST_TRIALS = 10_000  # days on any cluster; all of them are held in memory, and asked for by name

# How a comparison is run; it answers the same question whatever these are.
NOT_RECORDED = {"resume", "workers", "trials_per_gpu", "dask_address"}

# What all trials had when nobody recorded it yet: a trial is known by what it was known by then.
UNSAID = {"threads": 1, "split_seed": 0, "keep_predictions": False}


def _separated(given: Any) -> Any:
    """Take ``a,b`` for the list of a and b, and a single number for a list of one."""
    if isinstance(given, str):
        return [part.strip() for part in given.split(",")]
    return [given] if isinstance(given, int | float) else given


def _once_each(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


Several = (BeforeValidator(_separated), AfterValidator(_once_each))
Rates = Annotated[tuple[Annotated[float, Field(gt=0, le=LARGEST)], ...], *Several, Field(min_length=1)]


class CompareParameters(SharedParameters):
    """Everything that a comparison depends on: what is varied, and what is the same for all of its trials."""

    ORDER: ClassVar = (
        *("dataset", "optimizers", "seeds", "epochs", "learning_rates", "grid_size", "losses", "batch_sizes", "target"),
        *(name for name in TrainParameters.ORDER if name in SharedParameters.model_fields and name != "dataset"),
    )

    optimizers: Annotated[
        tuple[OptimizerName, ...], *Several, Field(min_length=1, description="the update rules to compare")
    ] = ("sgd", "momentum", "rmsprop", "adam")
    learning_rates: Annotated[
        Rates | None, Field(description="the rates to try with each; none: a grid around each optimizer's usual one")
    ] = None
    grid_size: Annotated[
        int, Field(ge=1, le=9, description="rates in such a grid, each about three times the one before")
    ] = 3
    losses: Annotated[tuple[LossName, ...], *Several, Field(min_length=1, description="the losses to compare")] = (
        "softmax_cross_entropy",
    )
    batch_sizes: Annotated[
        tuple[Annotated[int, Field(ge=1, le=LARGEST_BATCH)], ...],
        *Several,
        Field(min_length=1, description="examples in one step"),
    ] = (32,)
    seeds: Annotated[
        int, Field(ge=1, le=1000, description="so many trials of each setting, with the seeds 0, 1, ...")
    ] = 3
    target: Annotated[float, Field(gt=0, lt=1, description="validation accuracy to be reached")] = 0.98
    workers: Annotated[
        int | None,
        Field(ge=1, le=1000, description="trials at a time on this machine; none: its cores divided by threads"),
    ] = None
    trials_per_gpu: Annotated[
        int, Field(ge=1, le=100, description="trials at a time on each GPU of this machine; they share its memory")
    ] = 1
    dask_address: Annotated[
        str | None,
        StringConstraints(pattern=r"^(tcp|tls|ucx|ws|wss)://.+"),
        Field(description="scheduler of a Dask cluster that runs already, tcp://HOST:PORT; none: this machine"),
    ] = None
    resume: Annotated[
        str | None,
        Field(min_length=1, description="go on with this comparison (the id of its MLflow run): run what is missing"),
    ] = None

    @model_validator(mode="after")
    def _refuse_what_cannot_be_compared(self) -> CompareParameters:
        """Raise ValueError for what no trial could do, or what belongs to none of them."""
        if not self.validation_fraction:
            raise ValueError(
                "validation_fraction: received 0, but a comparison ranks by validation accuracy; "
                "hold something back for it, for instance 0.1"
            )
        if self.workers and self.dask_address:
            raise ValueError(
                f"workers: received {self.workers} with dask_address {self.dask_address!r}; "
                "a cluster that runs already has its own workers, so leave workers out"
            )
        for name in ("momentum", "nesterov"):
            if getattr(self, name) is not None and not any(name in _owned_by(one) for one in self.optimizers):
                raise ValueError(
                    f"{name}: received {getattr(self, name)}, but none of the optimizers "
                    f"{', '.join(self.optimizers)} has it; leave it out"
                )
        for name, owner in LOSS_OWNS.items():
            if getattr(self, name) and owner not in self.losses:
                raise ValueError(
                    f"{name}: received {getattr(self, name)}, but it belongs to loss {owner!r}; leave it out"
                )
        if (count := self.number_of_trials()) > MOST_TRIALS:
            raise ValueError(
                f"seeds: received {self.seeds}, which makes {count} trials with all the optimizers, learning rates, "
                f"losses and batch sizes; allowed: at most {MOST_TRIALS} trials; give fewer of them"
            )
        self._trials_with(seed=0)  # each setting once: what one seed could do, all can
        return self

    def rates_of(self, optimizer: str) -> tuple[float, ...]:
        """Return the learning rates to try with an optimizer, ascending, rounded to one digit if they are a grid."""
        if self.learning_rates:
            return tuple(sorted(self.learning_rates))
        usual, middle = USUAL_LEARNING_RATES[optimizer], (self.grid_size - 1) / 2
        return tuple(float(f"{usual * GRID_FACTOR ** (place - middle):.0e}") for place in range(self.grid_size))

    def trials(self) -> tuple[TrainParameters, ...]:
        """Return the training runs to be compared: all settings with the first seed, then all with the next."""
        # A comparison that ends early then has something of everything.
        return tuple(trial for seed in range(self.seeds) for trial in self._trials_with(seed))

    def number_of_trials(self) -> int:
        """Return how many these are, without making them."""
        rates = sum(len(self.rates_of(optimizer)) for optimizer in self.optimizers)
        return rates * len(self.losses) * len(self.batch_sizes) * self.seeds

    def _trials_with(self, seed: int) -> list[TrainParameters]:
        return [
            self._trial(optimizer, loss, batch_size, learning_rate, seed)
            for optimizer, loss, batch_size in product(self.optimizers, self.losses, self.batch_sizes)
            for learning_rate in self.rates_of(optimizer)
        ]

    def _trial(self, optimizer: str, loss: str, batch_size: int, learning_rate: float, seed: int) -> TrainParameters:
        given = {name: getattr(self, name) for name in SharedParameters.model_fields}
        for name in ("momentum", "nesterov"):
            if name not in _owned_by(optimizer):
                del given[name]
        for name, owner in LOSS_OWNS.items():
            if loss != owner:
                del given[name]
        varied = {"optimizer": optimizer, "loss": loss, "batch_size": batch_size}
        return validated(
            TrainParameters,
            {**given, **varied, "learning_rate": learning_rate, "seed": seed, "run_name": None, "test": False},
        )

    def recorded(self) -> dict[str, Any]:
        """Return the parameters that belong to the comparison."""
        return self.model_dump(exclude=NOT_RECORDED)

    def display_name(self) -> str:
        """Return the comparison's name: as given, or short, for lists cut names off; its parameters say the rest."""
        return self.run_name or f"compare {self.dataset_label()}"

    def banner(self) -> str:
        """Return a few lines that say what will run."""
        rates = "\n".join(
            f"  {optimizer}: learning rate {', '.join(f'{rate:g}' for rate in self.rates_of(optimizer))}"
            for optimizer in self.optimizers
        )
        count = self.number_of_trials()
        return (
            f"Comparing {len(self.optimizers)} optimizers on {self.dataset}, {count} trials of {self.epochs} epochs\n"
            f"{rates}\n"
            f"  {', '.join(self.losses)}, batch_size {', '.join(map(str, self.batch_sizes))}, "
            f"seeds 0 to {self.seeds - 1}, target {self.target:.4g} of validation accuracy"
        )


def digest_of(trial: TrainParameters, dataset_digest: str) -> str:
    """Return what tells a trial from all others: a digest of its parameters and of its data.

    In comparisons of older versions it was of the parameters alone, and ``dataset_digest`` is empty.
    """
    identity = {name: value for name, value in trial.recorded().items() if (name, value) not in UNSAID.items()}
    identity |= {"dataset_digest": dataset_digest} if dataset_digest else {}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def _owned_by(optimizer: str) -> dict[str, float | bool]:
    return HYPERPARAMETERS.get(optimizer, {})

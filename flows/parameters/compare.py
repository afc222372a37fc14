"""The parameters of a comparison, and the trials that they stand for."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints, model_validator

from flows.parameters.hyperparameters import LOSS_OWNS, OWNED, TAKES_NO_SCHEDULE, owners_of
from flows.parameters.own_arguments import require_own
from flows.parameters.question import Question
from flows.parameters.study_plan import fewest_and_most_trials, one_of_each_setting, rates_of, training_of
from study.metric import NAMES
from study.number_formats import counted
from study.short_names import short_name

MOST_TRIALS = 10_000  # days on any cluster; all of them are held in memory, and asked for by name


class CompareParameters(Question):
    """Everything that a comparison depends on: what is varied, and what is the same for all of its trials."""

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
                "validation_fraction: received 0, but a comparison ranks by validation images; "
                "hold something back for it, for instance 0.1"
            )
        if self.workers and self.dask_address:
            raise ValueError(
                f"workers: received {self.workers} with dask_address {self.dask_address!r}; "
                "a cluster that runs already has its own workers, so leave workers out"
            )
        for name in OWNED:
            if getattr(self, name) is not None and not set(owners_of(name)) & set(self.optimizers):
                raise ValueError(
                    f"{name}: received {getattr(self, name)}, but none of the optimizers "
                    f"{', '.join(self.optimizers)} has it; leave it out"
                )
        for name, owner in LOSS_OWNS.items():
            if getattr(self, name) and owner not in self.losses:
                raise ValueError(
                    f"{name}: received {getattr(self, name)}, but it belongs to loss {owner!r}; leave it out"
                )
        require_own("optimizer_args", self.optimizer_args, *self.optimizers)
        require_own("loss_args", self.loss_args, *self.losses)
        if (count := fewest_and_most_trials(self)[1]) > MOST_TRIALS:
            raise ValueError(
                f"seeds: received {self.seeds}, which makes up to {count} trials with all the optimizers, learning "
                f"rates, losses, batch sizes and looks; allowed: at most {MOST_TRIALS} trials; give fewer of them"
            )
        for planned in one_of_each_setting(self):
            training_of(self, planned)
        return self

    def named(self) -> tuple[str, ...]:
        """Return the names that may be of a person's own code."""
        return self.model, *self.optimizers, *self.losses

    @model_validator(mode="after")
    def _refuse_what_no_optimizer_takes(self) -> CompareParameters:
        """Raise ValueError for a schedule or an average where every optimizer has its own instead."""
        for name in ("schedule", "average") if set(self.optimizers) <= set(TAKES_NO_SCHEDULE) else ():
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(
                    f"{name}: received {getattr(self, name)!r}, but none of the optimizers "
                    f"{', '.join(self.optimizers)} takes one; leave it out"
                )
        return self

    def recorded(self) -> dict[str, Any]:
        """Return the parameters that belong to the comparison."""
        return self.model_dump(exclude=NOT_RECORDED)

    def display_name(self) -> str:
        """Return the comparison's name: as given, or short, for lists cut names off; its parameters say the rest."""
        return self.run_name or f"compare {self.dataset_label()}"

    def banner(self) -> str:
        """Return a few lines that say what will run."""
        rates = "\n".join(
            f"  {short_name(optimizer)}: learning rate {', '.join(f'{rate:g}' for rate in rates_of(self, optimizer))}"
            for optimizer in self.optimizers
        )
        fewest, most = fewest_and_most_trials(self)
        trials = counted(fewest, "trial") if fewest == most else f"{fewest} to {most} trials"
        looks = " or ".join(map(str, self.looks)) if self.looks else ""
        augmented = f", augmented: {', '.join(self.augment)}" if self.augment else ""
        confirm = f"confirmed on {looks} fresh seeds, margin {self.margin:g}" if looks else "not confirmed"
        label = self.network_label().removesuffix(",")
        network = f", model {label}" if label != "lenet" else ""
        return (
            f"Comparing {counted(len(self.optimizers), 'optimizer')} on {self.dataset}, {trials} of "
            f"{counted(self.epochs, 'epoch')}\n"
            f"{rates}\n"
            f"  {', '.join(map(short_name, self.losses))}, batch_size {', '.join(map(str, self.batch_sizes))}, "
            f"target {self.target:.4g} of validation {NAMES[self.metric]}{augmented}{network}\n"
            f"  tuned on seeds 0 to {self.seeds - 1}, {confirm}"
        )


# How a comparison is run: it answers the same question whatever these are.
NOT_RECORDED = CompareParameters.model_fields.keys() - Question.model_fields.keys()

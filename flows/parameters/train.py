"""The parameters of the flows: types, bounds, choices and descriptions, written once.

The command line, the form in the Prefect UI, ``prefect deployment run --param`` and the Python call all read
the models below. Nothing heavy is imported here, so that ``--help`` answers at once.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

DatasetName = Annotated[
    str,
    StringConstraints(pattern=r"^(folder:.+|[a-z][a-z0-9_]*(/[A-Za-z0-9._-]+)?)$"),
]
LossName = Literal["softmax_cross_entropy", "l1", "mse", "smooth_l1"]
OptimizerName = Literal["sgd", "momentum", "rmsprop", "adam", "adamw", "nadam", "adagrad", "lion"]
ScheduleName = Literal["constant", "cosine", "exponential", "step"]

# Which optimizer has which hyperparameter of its own, and its default there. A test holds this table against
# models/optimizers.py, which cannot be imported here because it imports Keras.
HYPERPARAMETERS: dict[str, dict[str, float | bool]] = {
    "momentum": {"momentum": 0.9, "nesterov": False},
    "rmsprop": {"momentum": 0.0},
}


class SharedParameters(BaseModel):
    """What a training run and a comparison of many have in common.

    A hyperparameter that belongs to some optimizers or losses only is ``None`` unless it is given; where it
    applies, its default is filled in; where it does not, giving it is an error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())

    dataset: Annotated[
        DatasetName,
        Field(
            description="digits; an image-classification set of tensorflow-datasets by its name (mnist, "
            "fashion_mnist, emnist/balanced, cifar10, ...); or folder:PATH, one subfolder of PNG or JPEG "
            "files a class"
        ),
    ] = "mnist"
    data_dir: Annotated[
        str | None,
        Field(description="where prepared tensorflow-datasets lie; none: TFDS_DATA_DIR, else ~/tensorflow_datasets"),
    ] = None
    download: Annotated[bool, Field(description="false: never touch the network")] = True
    image_size: Annotated[
        int, Field(ge=16, le=1024, description="pixels a side; images are resized to it once, at preparation")
    ] = 32
    validation_fraction: Annotated[
        float,
        Field(
            ge=0,
            lt=1,
            description="share of the training split to validate on, the same images whatever the seed; 0: none",
        ),
    ] = 0.1
    limit_examples: Annotated[
        int | None,
        Field(ge=20, description="use at most so many examples of each split, for a quick try; none: all"),
    ] = None
    shuffle: Annotated[bool, Field(description="shuffle the training split anew every epoch")] = True
    repeat: Annotated[int, Field(ge=1, description="passes over the training split in one epoch")] = 1
    model: Annotated[Literal["lenet"], Field(description="the network")] = "lenet"
    epochs: Annotated[int, Field(ge=1, description="how often the training split is gone through")] = 10
    label_smoothing: Annotated[
        float, Field(ge=0, lt=1, description="for softmax_cross_entropy: share of the target spread evenly")
    ] = 0.0
    smooth_l1_beta: Annotated[
        float | None,
        Field(gt=0, description="for smooth_l1: error at which it turns from square to line; none: 1"),
    ] = None
    momentum: Annotated[
        float | None,
        Field(ge=0, lt=1, description="for momentum (none: 0.9) and rmsprop (none: 0)"),
    ] = None
    nesterov: Annotated[bool | None, Field(description="for momentum: look ahead as Nesterov does; none: false")] = None
    weight_decay: Annotated[float, Field(ge=0, lt=1, description="decoupled weight decay, never on biases")] = 0.0
    schedule: Annotated[ScheduleName, Field(description="how the learning rate changes over the epochs")] = "constant"
    warmup_epochs: Annotated[
        float, Field(ge=0, description="epochs over which the learning rate first rises in a line")
    ] = 0.0
    device: Annotated[
        Literal["auto", "cpu", "gpu"], Field(description="auto: a GPU where there is one, else the CPU")
    ] = "auto"
    print_every: Annotated[
        int | None, Field(ge=0, description="steps between monitor lines; none: once an epoch; 0: no lines")
    ] = None
    experiment: Annotated[str, Field(min_length=1, max_length=250, description="the MLflow experiment")] = "lenet"
    run_name: Annotated[
        str | None, Field(min_length=1, max_length=250, description="none: made from the parameters")
    ] = None

    def only(self, *names: str) -> dict[str, Any]:
        """Return the parameters of these names, as keyword arguments for a task that has the same."""
        return {name: getattr(self, name) for name in names}

    def dataset_label(self) -> str:
        """Return the dataset's name, short enough for the name of a run."""
        return PurePath(self.dataset).name if self.dataset.startswith("folder:") else self.dataset


class TrainParameters(SharedParameters):
    """Everything that one training run depends on."""

    loss: Annotated[LossName, Field(description="the loss that training minimises")] = "softmax_cross_entropy"
    optimizer: Annotated[OptimizerName, Field(description="the update rule")] = "momentum"
    learning_rate: Annotated[float, Field(gt=0, description="step size, before any schedule")] = 0.01
    batch_size: Annotated[int, Field(ge=1, description="examples in one step")] = 32
    seed: Annotated[
        int, Field(ge=0, le=2**32 - 1, description="fixes the initial weights and the order of the data")
    ] = 0
    test: Annotated[bool, Field(description="false: leave the test split alone, as the trials of a comparison do")] = (
        True
    )
    resume: Annotated[
        str | None,
        Field(min_length=1, description="go on with this MLflow run, which did not finish, with its own parameters"),
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _fill_in_what_applies(cls, given: Any) -> Any:
        """Give the hyperparameters that apply to the chosen optimizer and loss their defaults."""
        if not isinstance(given, dict):
            return given
        optimizer = given.get("optimizer", cls.model_fields["optimizer"].default)
        defaults: dict[str, Any] = dict(HYPERPARAMETERS.get(str(optimizer), {}))
        if given.get("loss") == "smooth_l1":
            defaults["smooth_l1_beta"] = 1.0
        return given | {name: value for name, value in defaults.items() if given.get(name) is None}

    @model_validator(mode="after")
    def _refuse_what_does_not_apply(self) -> TrainParameters:
        """Raise ValueError for a hyperparameter that the chosen optimizer, loss or schedule does not have."""
        for name in ("momentum", "nesterov"):
            if getattr(self, name) is not None and name not in HYPERPARAMETERS.get(self.optimizer, {}):
                owners = sorted(owner for owner, own in HYPERPARAMETERS.items() if name in own)
                raise ValueError(
                    f"{name}: received {getattr(self, name)}, but optimizer {self.optimizer!r} has no {name}; "
                    f"leave it out, or choose an optimizer that has it: {', '.join(owners)}"
                )
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov: received true with momentum 0; give a momentum greater than 0")
        if self.smooth_l1_beta is not None and self.loss != "smooth_l1":
            raise ValueError(
                f"smooth_l1_beta: received {self.smooth_l1_beta}, but loss {self.loss!r} has no beta; "
                "leave it out, or choose loss smooth_l1"
            )
        if self.label_smoothing and self.loss != "softmax_cross_entropy":
            raise ValueError(
                f"label_smoothing: received {self.label_smoothing}, but loss {self.loss!r} does not smooth "
                "labels; leave it out, or choose loss softmax_cross_entropy"
            )
        if self.warmup_epochs >= self.epochs:
            raise ValueError(
                f"warmup_epochs: received {self.warmup_epochs:g} with epochs {self.epochs}; "
                "the warm-up must be shorter than the training"
            )
        return self

    def recorded(self) -> dict[str, Any]:
        """Return the parameters that belong to the run, which are all but ``resume``."""
        return self.model_dump(exclude={"resume"})

    def optimizer_hyperparameters(self) -> dict[str, float | bool]:
        """Return the chosen optimizer's own hyperparameters, by name."""
        return {name: getattr(self, name) for name in HYPERPARAMETERS.get(self.optimizer, {})}

    def recipe(self) -> dict[str, Any]:
        """Return what `compile_model` takes, but for what depends on the data and the machine."""
        names = ("loss", "label_smoothing", "smooth_l1_beta", "optimizer", "learning_rate", "weight_decay")
        return {
            **self.only(*names, "schedule", "warmup_epochs", "epochs"),
            "hyperparameters": self.optimizer_hyperparameters(),
        }

    def display_name(self) -> str:
        """Return the run's name: as given, or what tells this run from its neighbours in a list."""
        if self.run_name:
            return self.run_name
        # What differs comes first, in few letters: lists cut names off after twenty.
        parts = [self.optimizer, f"{self.learning_rate:g}", f"s{self.seed}"]
        parts += [
            f"{name}={getattr(self, name)}"
            for name in ("loss", "schedule", "batch_size", "weight_decay")
            if getattr(self, name) != type(self).model_fields[name].default
        ]
        return " ".join([*parts, self.dataset_label()])

    def banner(self) -> str:
        """Return a few lines that say what will run."""
        own = "".join(f", {name} {value}" for name, value in self.optimizer_hyperparameters().items())
        decay = f", weight_decay {self.weight_decay:g}" if self.weight_decay else ""
        held_back = f", {self.validation_fraction:.0%} held back for validation" if self.validation_fraction else ""
        return (
            f"Training {self.model} on {self.dataset}, images {self.image_size}x{self.image_size}{held_back}\n"
            f"  {self.optimizer}{own}{decay}, learning_rate {self.learning_rate:g} ({self.schedule}), {self.loss}\n"
            f"  {self.epochs} epochs, batch_size {self.batch_size}, seed {self.seed}, device {self.device}"
        )

"""The parameters of a training run."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from flows.parameters.hyperparameters import (
    HYPERPARAMETERS,
    OWNED,
    TAKES_NO_SCHEDULE,
    in_contradiction,
    owners_of,
    usual_rate,
)
from flows.parameters.own_arguments import arguments_of, require_own
from flows.parameters.signature import as_typed
from flows.parameters.single_training import SingleTraining
from study.number_formats import counted
from study.short_names import short_name

# What tells one run from another in lists, where it is not the default.
NAMED = (
    *("model", "precision", "weights", "freeze", "loss", "schedule", "batch_size", "weight_decay", "clip_norm"),
    *("accumulate", "average", "augment", "class_weight", "keep"),
)


class TrainParameters(SingleTraining):
    """Everything that one training run depends on."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in_what_applies(cls, given: Any) -> Any:
        """Give the learning rate, and what else the chosen optimizer and loss have, its default there."""
        if not isinstance(given, dict):
            return given
        optimizer = str(given.get("optimizer", cls.model_fields["optimizer"].default))
        defaults: dict[str, Any] = {
            "learning_rate": None if given.get("learning_rate") else usual_rate(optimizer),
            **HYPERPARAMETERS.get(optimizer, {}),
        }
        if given.get("loss") == "smooth_l1":
            defaults["smooth_l1_beta"] = 1.0
        if given.get("unfreeze_after") is not None:
            defaults["fine_tune_factor"] = 0.1
        return given | {name: value for name, value in defaults.items() if given.get(name) is None}

    @model_validator(mode="after")
    def _refuse_what_does_not_apply(self) -> TrainParameters:
        """Raise ValueError for a hyperparameter that the chosen optimizer, loss or schedule does not have."""
        for name in OWNED:
            if getattr(self, name) is not None and self.optimizer not in owners_of(name):
                raise ValueError(
                    f"{name}: received {getattr(self, name)}, but optimizer {self.optimizer!r} has no {name}; "
                    f"leave it out, or choose an optimizer that has it: {', '.join(owners_of(name))}"
                )
        require_own("optimizer_args", self.optimizer_args, self.optimizer)
        require_own("loss_args", self.loss_args, self.loss)
        if contradiction := in_contradiction(self.optimizer, self.optimizer_hyperparameters(), self.schedule):
            raise ValueError(contradiction)
        if self.average != "none" and self.optimizer in TAKES_NO_SCHEDULE:
            raise ValueError(
                f"average: received {self.average!r}, but optimizer {self.optimizer!r} averages its weights itself; "
                "leave it out"
            )
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
        if self.batch_size == 1 and "mixup" in (self.augment or ()):
            raise ValueError(
                "augment: received mixup with batch_size 1, but mixup mixes the images of a batch with each other; "
                "leave it out, or give a larger batch_size"
            )
        return self

    @model_validator(mode="after")
    def _refuse_a_rate_that_falls(self) -> TrainParameters:
        """Raise ValueError for a smaller rate of fine-tuning with an optimizer that weighs its weights by the rate."""
        if self.optimizer in TAKES_NO_SCHEDULE and self.fine_tune_factor not in (None, 1):
            raise ValueError(
                f"fine_tune_factor: {self.fine_tune_factor:g} with optimizer {self.optimizer!r}, whose learning rate "
                "must not fall; give fine_tune_factor 1, or choose another optimizer"
            )
        return self

    @model_validator(mode="after")
    def _refuse_what_lacks_validation_images(self) -> TrainParameters:
        """Raise ValueError for another draw of validation images where none are held back."""
        if self.split_seed and not self.validation_fraction:
            raise ValueError(
                f"split_seed: received {self.split_seed} with validation_fraction 0, which leaves no "
                "validation images to draw; leave split_seed out, or hold something back, for instance 0.1"
            )
        return self

    def recorded(self) -> dict[str, Any]:
        """Return the parameters that belong to the run, which are all but ``resume``."""
        return self.model_dump(exclude={"resume"})

    def preparation(self) -> dict[str, Any]:
        """Return what a prepared dataset is made from, beside its name, and how it is split."""
        return {**super().preparation(), **self.only("split_seed")}

    def optimizer_hyperparameters(self) -> dict[str, float | bool]:
        """Return the chosen optimizer's own hyperparameters, by name."""
        return {name: getattr(self, name) for name in HYPERPARAMETERS.get(self.optimizer, {})}

    def unusual_hyperparameters(self) -> dict[str, float | bool]:
        """Return those of them that are not the optimizer's defaults."""
        usual = HYPERPARAMETERS.get(self.optimizer, {})
        return {name: value for name, value in self.optimizer_hyperparameters().items() if value != usual[name]}

    def building(self) -> dict[str, Any]:
        """Return what `build_model` takes beside the network, but for the data and the machine."""
        return self.only("seed", "weights", "download", "precision")

    def named(self) -> tuple[str, str, str]:
        """Return the names that may be of a person's own code."""
        return self.model, self.optimizer, self.loss

    def recipe(self) -> dict[str, Any]:
        """Return what `compile_model` takes, but for what depends on the data and the machine."""
        names = ("loss", "label_smoothing", "smooth_l1_beta", "optimizer", "learning_rate", "weight_decay")
        return {
            "loss_args": arguments_of(self.loss_args),
            **self.only(*names, "precision", "schedule", "warmup_epochs", "epochs"),
            "hyperparameters": {**self.optimizer_hyperparameters(), **arguments_of(self.optimizer_args)},
            "fine_tuning": self.fine_tuning(),
            "updates": self.only("clip_norm", "accumulate", "average", "ema_momentum"),
        }

    def fitting(self) -> dict[str, Any]:
        """Return what `fit_model` takes, but for the data and the machine."""
        names = ("epochs", "batch_size", "shuffle", "repeat", "augment", "seed", "print_every")
        frozen_epochs = 0 if self.freeze == "none" else self.unfreeze_after or self.epochs
        return {
            **self.only(*names, "class_weight", "metric", "keep", "patience"),
            "frozen_epochs": frozen_epochs,
            "described": self.only("fit", "threads"),
        }

    def display_name(self) -> str:
        """Return the run's name: as given, or what tells this run from its neighbours in a list."""
        if self.run_name:
            return self.run_name
        # What differs comes first, in few letters: lists cut names off after twenty.
        parts = [short_name(self.optimizer), f"{self.learning_rate:g}", f"s{self.seed}"]
        parts += [
            f"{name}={short_name(as_typed(getattr(self, name)))}"
            for name in NAMED
            if getattr(self, name) != type(self).model_fields[name].default
        ]
        parts += [f"{name}={as_typed(value)}" for name, value in self.unusual_hyperparameters().items()]
        return " ".join([*parts, self.dataset_label()])

    def banner(self) -> str:
        """Return a few lines that say what will run."""
        own = "".join(f", {name} {value}" for name, value in self.optimizer_hyperparameters().items())
        own += self._beside_defaults("weight_decay", "clip_norm", "accumulate", "average", "ema_momentum")
        rest = self._beside_defaults("precision", "keep", "patience")
        loss = short_name(self.loss) + (f", class_weight {self.class_weight}" if self.class_weight != "none" else "")
        held_back = f", {self.validation_fraction:.0%} held back for validation" if self.validation_fraction else ""
        if held_back and self.dataset != "digits":  # others may come with validation images, which is not known yet
            held_back += " unless it has validation images"
        rest += f", augmented: {', '.join(self.augment)}" if self.augment else ""
        held_back += f" (split_seed {self.split_seed})" if self.split_seed else ""
        epochs = counted(self.epochs, "epoch")
        return (
            f"Training {self.network_label()} on {self.dataset}, "
            f"images {self.image_size}x{self.image_size}{held_back}\n"
            f"  {short_name(self.optimizer)}{own}, learning_rate {self.learning_rate:g} ({self.schedule}), {loss}\n"
            f"  {epochs}, batch_size {self.batch_size}, seed {self.seed}, device {self.device}{rest}"
        )

    def _beside_defaults(self, *names: str) -> str:
        """Return those of some parameters that are not their defaults, to put behind others."""
        fields = type(self).model_fields
        given = [(name, getattr(self, name)) for name in names if getattr(self, name) != fields[name].default]
        return "".join(f", {name} {as_typed(value)}" for name, value in given)

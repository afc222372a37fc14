"""Names that can be chosen, and which hyperparameter and which usual learning rate belongs to which of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from flows.parameters.choice_or_own import ChoiceOrOwn
from tasks.foundation.own_source import OwnCodeError, is_own, taken_apart, usual_learning_rate

LossName = Literal["softmax_cross_entropy", "l1", "mse", "smooth_l1"]
OptimizerName = Literal[
    "sgd",
    "momentum",
    "rmsprop",
    "adam",
    "adamw",
    "nadam",
    "adamax",
    "adagrad",
    "adadelta",
    "adafactor",
    "lamb",
    "lion",
    "ftrl",
    "muon",
    "schedule_free_adamw",
]
ScheduleName = Literal["constant", "cosine", "exponential", "step"]
ClassWeightName = Literal["none", "balanced"]
FreezeName = Literal["none", "backbone"]
OptimizerOrOwn = Annotated[str, ChoiceOrOwn(get_args(OptimizerName), "CLASS")]
LossOrOwn = Annotated[str, ChoiceOrOwn(get_args(LossName), "CLASS")]
AverageName = Literal["none", "ema"]
PrecisionName = Literal["float32", "mixed_float16", "mixed_bfloat16"]

# Which optimizer has which hyperparameter of its own, and its default there. A test holds this table against
# models/optimizers.py, which cannot be imported here because it imports Keras.
_BETAS: dict[str, float | bool] = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
_FACTORS = {"beta_2_decay": -0.8, "epsilon_1": 1e-30, "epsilon_2": 0.001, "clip_threshold": 1.0}
_FTRL = {"l1_regularization_strength": 0.0, "l2_regularization_strength": 0.0}
_FTRL |= {"l2_shrinkage_regularization_strength": 0.0, "beta": 0.0}
HYPERPARAMETERS: dict[str, dict[str, float | bool]] = {
    "momentum": {"momentum": 0.9, "nesterov": False},
    "rmsprop": {"momentum": 0.0, "rho": 0.9, "epsilon": 1e-7, "centered": False},
    "adam": {**_BETAS, "amsgrad": False},
    "adamw": {**_BETAS, "amsgrad": False},
    "nadam": _BETAS,
    "adamax": _BETAS,
    "adagrad": {"initial_accumulator_value": 0.1, "epsilon": 1e-7},
    "adadelta": {"rho": 0.95, "epsilon": 1e-7},
    "adafactor": {**_FACTORS, "relative_step": True},
    "lamb": _BETAS,
    "lion": {"beta_1": 0.9, "beta_2": 0.99},
    "ftrl": {"initial_accumulator_value": 0.1, "learning_rate_power": -0.5, **_FTRL},
    "muon": {"momentum": 0.95, "nesterov": True, "ns_steps": 5, **_BETAS},
    "schedule_free_adamw": {**_BETAS, "epsilon": 1e-8},
}
OWNED = tuple(dict.fromkeys(name for own in HYPERPARAMETERS.values() for name in own))  # that only some have

# Which parameter belongs to which of the losses; HYPERPARAMETERS says it of the optimizers.
LOSS_OWNS = {"label_smoothing": "softmax_cross_entropy", "smooth_l1_beta": "smooth_l1"}

# Keras' own. Its horizon of 100 steps lies within short runs too; the 0.999 that is usual in long ones (a horizon of
# 1,000 steps) would still hold much of the first weights after ten epochs of a thousand images.
EMA_MOMENTUM = 0.99

# The rate that each optimizer's own literature or Keras starts from; docs/optimizers.md has the sources.
USUAL_LEARNING_RATES = {
    "sgd": 0.1,
    "momentum": 0.01,
    "rmsprop": 0.001,
    "adam": 0.001,
    "adamw": 0.001,
    "nadam": 0.001,
    "adamax": 0.002,
    "adagrad": 0.03,
    "adadelta": 1.0,
    "adafactor": 0.01,
    "lamb": 0.001,
    "lion": 0.0001,
    "ftrl": 0.03,
    "muon": 0.001,
    "schedule_free_adamw": 0.003,
}
USUAL_RATE_OF_OWN = 0.001  # of a person's own whose constructor names none, as Keras' have it but for SGD
TAKES_NO_SCHEDULE: tuple[OptimizerName, ...] = ("schedule_free_adamw",)  # but a warm-up


def owners_of(name: str) -> list[str]:
    """Return the optimizers that have the hyperparameter `name` of their own."""
    return sorted(optimizer for optimizer, own in HYPERPARAMETERS.items() if name in own)


def in_contradiction(optimizer: str, own: Mapping[str, float | bool], schedule: str) -> str:
    """Say what of an optimizer's own hyperparameters, or with the schedule, does not go together; empty if nothing."""
    if optimizer in TAKES_NO_SCHEDULE and schedule != "constant":
        return (
            f"schedule: received {schedule!r}, but optimizer {optimizer!r} averages its weights instead of lowering "
            "the rate; leave it out (warmup_epochs may stay)"
        )
    if own.get("nesterov") and not own["momentum"]:
        return "nesterov: received true with momentum 0; give a momentum greater than 0"
    if optimizer in ("lion", "schedule_free_adamw") and not own["beta_1"]:
        return f"beta_1: received {own['beta_1']:g} with optimizer {optimizer!r}, whose rule needs one greater than 0"
    return ""


def usual_rate(optimizer: str) -> float | None:
    """Return the usual learning rate of an optimizer; none for what is no name of one.

    That of a person's own is what its constructor has by default, as far as its file says so as a number.
    """
    if not is_own(optimizer):
        return USUAL_LEARNING_RATES.get(optimizer)
    try:
        return usual_learning_rate(taken_apart(optimizer)) or USUAL_RATE_OF_OWN
    except OwnCodeError:  # which is told with the optimizer
        return USUAL_RATE_OF_OWN

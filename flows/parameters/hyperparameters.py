"""Names that can be chosen, and which hyperparameter and which usual learning rate belongs to which of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

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
TAKES_NO_SCHEDULE: tuple[OptimizerName, ...] = ("schedule_free_adamw",)  # but a warm-up


def owners_of(name: str) -> list[str]:
    """Return the optimizers that have the hyperparameter `name` of their own."""
    return sorted(optimizer for optimizer, own in HYPERPARAMETERS.items() if name in own)


def in_contradiction(optimizer: str, own: Mapping[str, float | bool]) -> str:
    """Say what of an optimizer's own hyperparameters does not go together; empty if nothing."""
    if own.get("nesterov") and not own["momentum"]:
        return "nesterov: received true with momentum 0; give a momentum greater than 0"
    if optimizer in ("lion", "schedule_free_adamw") and not own["beta_1"]:
        return f"beta_1: received {own['beta_1']:g} with optimizer {optimizer!r}, whose rule needs one greater than 0"
    return ""

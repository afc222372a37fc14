"""Optimizers by name. Weight decay is Keras' decoupled one (w -= w * decay * learning rate), biases excepted.

Decoupled: Loshchilov, Hutter, "Decoupled weight decay regularization" (2019). Since Keras decouples it
everywhere, `adam` and `adamw` differ in name only, and neither decays unless asked to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import keras
from keras.optimizers.schedules import LearningRateSchedule

from models.adafactor import Adafactor
from models.choice import choose
from models.muon import Muon
from models.schedule_free import ScheduleFreeAdamW
from models.update_rules import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Ftrl,
    Lamb,
    Lion,
    Nadam,
    RMSprop,
)


class Recipe(NamedTuple):
    """An optimizer class, and the defaults of the hyperparameters that are its own."""

    kind: type[keras.optimizers.Optimizer]
    hyperparameters: Mapping[str, float | bool] = {}


_FTRL = {"l1_regularization_strength": 0.0, "l2_regularization_strength": 0.0}
_FTRL |= {"l2_shrinkage_regularization_strength": 0.0, "beta": 0.0}
_BETAS = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
_FACTORS = {"beta_2_decay": -0.8, "epsilon_1": 1e-30, "epsilon_2": 0.001, "clip_threshold": 1.0}

OPTIMIZERS: dict[str, Recipe] = {
    "adadelta": Recipe(Adadelta, {"rho": 0.95, "epsilon": 1e-7}),
    "adafactor": Recipe(Adafactor, {**_FACTORS, "relative_step": True}),
    "adagrad": Recipe(Adagrad, {"initial_accumulator_value": 0.1, "epsilon": 1e-7}),
    "adam": Recipe(Adam, {**_BETAS, "amsgrad": False}),
    "adamax": Recipe(Adamax, _BETAS),
    "adamw": Recipe(AdamW, {**_BETAS, "amsgrad": False}),
    "ftrl": Recipe(Ftrl, {"initial_accumulator_value": 0.1, "learning_rate_power": -0.5, **_FTRL}),
    "lamb": Recipe(Lamb, _BETAS),
    "lion": Recipe(Lion, {"beta_1": 0.9, "beta_2": 0.99}),
    "momentum": Recipe(SGD, {"momentum": 0.9, "nesterov": False}),
    "muon": Recipe(Muon, {"momentum": 0.95, "nesterov": True, "ns_steps": 5, **_BETAS}),
    "nadam": Recipe(Nadam, _BETAS),
    "rmsprop": Recipe(RMSprop, {"momentum": 0.0, "rho": 0.9, "epsilon": 1e-7, "centered": False}),
    "schedule_free_adamw": Recipe(ScheduleFreeAdamW, {**_BETAS, "epsilon": 1e-8}),
    "sgd": Recipe(SGD),
}

NEEDS_BETA_1 = ("lion", "schedule_free_adamw")  # without it the rule is another one
Bound = tuple[Callable[[float], bool], str]  # what a value must be, and that in words
POSITIVE: Bound = (lambda value: 0 < value < math.inf, "positive and finite")
NOT_NEGATIVE: Bound = (lambda value: 0 <= value < math.inf, "finite and not negative")
SHARE: Bound = (lambda value: 0 <= value < 1, "at least 0 and less than 1")
EXPONENT: Bound = (lambda value: -1 <= value <= 0, "at least -1 and at most 0")
BOUNDS = {  # all others must be positive
    **dict.fromkeys(("momentum", "rho", "beta_1", "beta_2"), SHARE),
    **dict.fromkeys(("learning_rate_power", "beta_2_decay"), EXPONENT),
    **dict.fromkeys((*_FTRL, "weight_decay"), NOT_NEGATIVE),
}


def hyperparameters(name: str) -> dict[str, float | bool]:
    """Return the hyperparameters that the optimizer `name` has of its own, with their defaults."""
    return dict(choose("optimizer", OPTIMIZERS, name).hyperparameters)


def make_optimizer(
    name: str,
    *,
    learning_rate: float | LearningRateSchedule,
    weight_decay: float = 0.0,
    **given: float | bool,
) -> keras.optimizers.Optimizer:
    """Make the optimizer `name` of OPTIMIZERS, not yet built.

    Args:
        name: a name in OPTIMIZERS.
        learning_rate: positive, or a schedule over steps.
        weight_decay: the share of each kernel, times the learning rate, that a step takes away; 0 is none.
        given: hyperparameters of the optimizer's own, by the names that Keras has for them.

    Raises:
        ValueError: an unknown name, a value out of bounds, or a hyperparameter that the optimizer lacks.
    """
    recipe = choose("optimizer", OPTIMIZERS, name)
    for hyperparameter in given:
        if hyperparameter not in recipe.hyperparameters:
            owners = [other for other in OPTIMIZERS if hyperparameter in OPTIMIZERS[other].hyperparameters]
            raise ValueError(
                f"optimizer {name!r} has no hyperparameter {hyperparameter!r}; "
                f"those with one: {', '.join(sorted(owners)) or 'none'}"
            )
    values = {**recipe.hyperparameters, **given}
    for own, usual in recipe.hyperparameters.items():
        if isinstance(usual, float):
            values[own] = float(values[own])  # Keras takes no int for some
    _check(name, {"weight_decay": weight_decay, **values})
    if not isinstance(learning_rate, LearningRateSchedule):
        _check(name, {"learning_rate": learning_rate})
        learning_rate = float(learning_rate)
    # None, not 0.0: with a number Keras would multiply every kernel in every step.
    decay = float(weight_decay) if weight_decay else None
    # A name, because Keras would count the optimizers made so far: "adam_7".
    return recipe.kind(learning_rate=learning_rate, weight_decay=decay, name=name, **values)


def share_moved(optimizer: keras.optimizers.Optimizer) -> float:
    """Return the share of the parameters that an optimizer was built for that the rule of its name moves."""
    return float(getattr(optimizer, "share_moved", 1.0))


def _check(name: str, values: Mapping[str, float | bool]) -> None:
    """Raise ValueError for a value of the optimizer `name` that is out of its bounds."""
    for own, value in values.items():
        within, bound = BOUNDS.get(own, POSITIVE)
        if not (isinstance(value, bool) or within(value)):
            raise ValueError(f"{own} must be {bound}; received {value}")
    if values.get("nesterov") and not values["momentum"]:
        raise ValueError(f"nesterov needs a momentum greater than 0; received {values['momentum']}")
    if name in NEEDS_BETA_1 and not values.get("beta_1", 1):
        raise ValueError(f"{name} needs a beta_1 greater than 0; received {values['beta_1']}")

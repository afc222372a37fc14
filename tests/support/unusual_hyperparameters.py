"""Hyperparameters that are no optimizer's defaults, to see that none is lost on the way."""

from __future__ import annotations

from models.optimizers import hyperparameters

UNUSUAL: dict[str, float] = {
    "momentum": 0.7,
    "rho": 0.8,
    "beta_1": 0.8,
    "beta_2": 0.97,
    "epsilon": 1e-3,
    "initial_accumulator_value": 0.2,
    "beta_2_decay": -0.6,
    "epsilon_1": 1e-6,
    "epsilon_2": 0.02,
    "clip_threshold": 0.7,
    "learning_rate_power": -0.4,
    "l1_regularization_strength": 0.001,
    "l2_regularization_strength": 0.01,
    "l2_shrinkage_regularization_strength": 0.02,
    "beta": 0.3,
    "ns_steps": 3,
}


def unusual(optimizer: str) -> dict[str, float | bool]:
    """Return all hyperparameters of an optimizer, each with a value that is not its default."""
    own = hyperparameters(optimizer)
    return {name: not usual if isinstance(usual, bool) else UNUSUAL[name] for name, usual in own.items()}

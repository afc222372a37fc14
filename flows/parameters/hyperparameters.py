"""Names that can be chosen, and which hyperparameter and which usual learning rate belongs to which of them."""

from __future__ import annotations

from typing import Literal

LossName = Literal["softmax_cross_entropy", "l1", "mse", "smooth_l1"]
OptimizerName = Literal["sgd", "momentum", "rmsprop", "adam", "adamw", "nadam", "adagrad", "lion"]
ScheduleName = Literal["constant", "cosine", "exponential", "step"]
ClassWeightName = Literal["none", "balanced"]

# Which optimizer has which hyperparameter of its own, and its default there. A test holds this table against
# models/optimizers.py, which cannot be imported here because it imports Keras.
HYPERPARAMETERS: dict[str, dict[str, float | bool]] = {
    "momentum": {"momentum": 0.9, "nesterov": False},
    "rmsprop": {"momentum": 0.0},
}

# Which parameter belongs to which of the losses; HYPERPARAMETERS says it of the optimizers.
LOSS_OWNS = {"label_smoothing": "softmax_cross_entropy", "smooth_l1_beta": "smooth_l1"}

# The rate that each optimizer's own literature or Keras starts from.
USUAL_LEARNING_RATES = {
    "sgd": 0.1,
    "momentum": 0.01,
    "rmsprop": 0.001,
    "adam": 0.001,
    "adamw": 0.001,
    "nadam": 0.001,
    "adagrad": 0.03,
    "lion": 0.0001,
}

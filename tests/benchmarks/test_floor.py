"""The floor does the same work: the same losses as ours, from the same weights and in the same order."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from benchmarks.programs.floor import BATCH_SIZE, OPTIMIZERS, make_epoch
from models.lenet import build_lenet
from models.losses import make_loss
from models.optimizers import make_optimizer
from models.steps import make_train_steps

STEPS = 20
MEAN, DEVIATION = 33.0, 78.0
OWN: dict[str, dict[str, Any]] = {
    "momentum": {"learning_rate": 0.01, "momentum": 0.9, "nesterov": False},
    "adam": {"learning_rate": 0.001},
    "rmsprop": {"learning_rate": 0.001, "momentum": 0.0},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_floor_learns_what_ours_learns(name: str) -> None:
    random = np.random.default_rng(3)
    images = random.integers(0, 256, (STEPS * BATCH_SIZE, 32, 32, 1), dtype=np.uint8)
    labels = random.integers(0, 10, len(images)).astype(np.int32)
    order = random.permutation(len(images)).astype(np.int32)
    model = build_lenet((32, 32, 1), 10, pixel_mean=[MEAN], pixel_deviation=[DEVIATION], seed=1)
    weights = [tf.Variable(variable.numpy()) for variable in model.trainable_variables]
    model.compile(optimizer=make_optimizer(name, **OWN[name]), loss=make_loss("softmax_cross_entropy"))

    trained = make_train_steps(model, BATCH_SIZE)(images[order], labels[order])
    floor = make_epoch(weights, OPTIMIZERS[name](weights), images, labels, mean=MEAN, deviation=DEVIATION)
    assert float(floor(order)) == pytest.approx(float(np.mean(trained.losses)), rel=1e-4)
    for weight, variable in zip(weights, model.trainable_variables, strict=True):
        np.testing.assert_allclose(weight.numpy(), keras.ops.convert_to_numpy(variable), rtol=2e-2, atol=2e-4)

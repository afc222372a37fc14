"""The floor does the same work: the same losses as ours, from the same weights and in the same order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.programs.floor import BATCH_SIZE, OPTIMIZERS, make_epoch, momentum
from benchmarks.programs.floor_resnet8 import first_statistics, network
from models.lenet import build_lenet
from models.losses import make_loss
from models.optimizers import make_optimizer
from models.resnet8 import build_resnet8
from models.steps import make_train_steps

STEPS = 10
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
    start = flat_signature(weights)
    model.compile(optimizer=make_optimizer(name, **OWN[name]), loss=make_loss("softmax_cross_entropy"))

    trained = make_train_steps(model, BATCH_SIZE)(images[order], labels[order])
    floor = make_epoch(weights, OPTIMIZERS[name](weights), images, labels, mean=MEAN, deviation=DEVIATION)
    # Kernels round differently, and where two pixels of a pooling window are as good as equal, another one wins.
    assert float(floor(order)) == pytest.approx(float(np.mean(trained.losses)), rel=1e-3)
    ours = flat_signature(model.trainable_variables)
    assert np.linalg.norm(flat_signature(weights) - ours) < 0.02 * np.linalg.norm(ours - start)


def test_the_floor_of_resnet8_learns_what_ours_learns() -> None:
    random = np.random.default_rng(3)
    images = random.integers(0, 256, (STEPS * BATCH_SIZE, 32, 32, 3), dtype=np.uint8)
    labels = random.integers(0, 10, len(images)).astype(np.int32)
    order = random.permutation(len(images)).astype(np.int32)
    pixels = {"mean": [MEAN, 50.0, 90.0], "deviation": [DEVIATION, 60.0, 70.0]}
    model = build_resnet8((32, 32, 3), 10, pixel_mean=pixels["mean"], pixel_deviation=pixels["deviation"], seed=1)
    parts = [
        "stem",
        "stem_norm",
    ]  # in the order of the floor; Keras has a shortcut before the layers that it leads past
    for stack in ("stack1", "stack2", "stack3"):
        parts += [f"{stack}_{part}" for part in ("1", "1_norm", "2", "2_norm", "shortcut")]
    parts.remove("stack1_shortcut")
    variables = [each for part in (*parts, "logits") for each in model.get_layer(part).trainable_variables]
    weights = [tf.Variable(variable.numpy()) for variable in variables]
    start, moving = flat_signature(weights), first_statistics()
    model.compile(optimizer=make_optimizer("momentum", **OWN["momentum"]), loss=make_loss("softmax_cross_entropy"))

    trained = make_train_steps(model, BATCH_SIZE)(images[order], labels[order])
    floor = make_epoch(weights, momentum(weights), images, labels, **pixels, network=network(moving))
    assert float(floor(order)) == pytest.approx(float(np.mean(trained.losses)), rel=1e-2)
    ours = flat_signature(variables)
    assert np.linalg.norm(flat_signature(weights) - ours) < 0.05 * np.linalg.norm(ours - start)
    statistics = flat_signature([weight for weight in model.weights if weight.name.startswith("moving_")])
    np.testing.assert_allclose(flat_signature(moving), statistics, rtol=0.02, atol=0.02)


def flat_signature(weights: Sequence[Any]) -> np.ndarray:
    return np.concatenate([weight.numpy().ravel() for weight in weights])

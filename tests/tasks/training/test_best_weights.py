"""The best weights so far lie in a checkpoint beside those that are trained, and are never taken for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from tasks.training.best_weights import BestWeights
from tasks.training.checkpoint import Checkpoints
from tasks.training.fit_state import FitState


def network(units: int = 2) -> keras.Model:
    # Names, because Keras would count the networks and their layers.
    layers = [keras.layers.BatchNormalization(name="normal"), keras.layers.Dense(units, name="dense")]
    model = keras.Sequential([keras.Input((3,)), *layers], name="network")
    model.compile(optimizer=keras.optimizers.SGD(0.1, name="sgd"), loss="mse")
    model.optimizer.build(model.trainable_variables)
    return model


def filled(model: keras.Model, value: float) -> keras.Model:
    model.set_weights([np.full(weight.shape, value, np.float32) for weight in model.get_weights()])
    return model


def values_of(model: keras.Model) -> set[float]:
    return {float(value) for weight in model.get_weights() for value in np.ravel(weight)}


def test_the_best_are_what_the_model_had_then_moving_statistics_too(tmp_path: Path) -> None:
    model, best = filled(network(), 2.0), BestWeights()
    best.give(model)  # there are none yet
    assert values_of(model) == {2.0}
    best.take(model)
    filled(model, 3.0)
    checkpoints = Checkpoints(tmp_path / "checkpoints", "a run", "a digest")
    checkpoints.save(model, FitState(), best)

    restored, again = network(), BestWeights()
    checkpoints.restore(restored, again)
    assert values_of(restored) == {3.0}
    again.give(restored)
    assert values_of(restored) == {2.0}


def test_those_of_another_network_are_refused_with_all_that_is_there(tmp_path: Path, caplog: Any) -> None:
    best, other = BestWeights(), filled(network(units=5), 2.0)
    best.take(other)
    checkpoints = Checkpoints(tmp_path / "checkpoints", "a run", "a digest")
    checkpoints.save(network(), FitState(), best)
    model, again = filled(network(), 4.0), BestWeights()
    assert checkpoints.restore(model, again) == FitState()
    assert "it belongs to another model or optimizer" in caplog.text
    again.give(model)
    assert values_of(model) == {4.0}


def test_a_checkpoint_without_any_has_none(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "checkpoints", "a run", "a digest")
    checkpoints.save(network(), FitState(), BestWeights())
    (path,) = (tmp_path / "checkpoints").glob("*.npz")
    with np.load(path) as archive:
        assert not any(name.startswith("best") for name in archive.files)

"""The best weights so far lie in a checkpoint beside those that are trained, and are kept if that is asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.weights import weights_digest, weights_of
from tasks.data import blocks as blocks_module
from tasks.data.prepared import PreparedDataset
from tasks.training.best_weights import BestWeights
from tasks.training.checkpoint import Checkpoints
from tasks.training.fit_state import FitState
from tests.support.fits import (
    AVERAGED,
    BLOCK_STEPS,
    SCHEDULED,
    Fit,
    assert_learned_the_same,
    broken_off_by,
    interrupt_at,
    learned,
    loss_and_accuracy,
    stop_at,
)


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


@pytest.mark.parametrize("updates", [{}, AVERAGED["updates"]])
def test_the_best_epoch_is_what_is_stored_if_that_is_kept(
    fit: Fit, prepared: PreparedDataset, up_and_down: Callable[..., None], updates: dict[str, Any]
) -> None:
    up_and_down(0.3, 0.9, 0.5)
    recipe = {**SCHEDULED, "updates": updates}
    best, last = fit(recipe=recipe, epochs=3, keep="best"), fit(recipe=recipe, epochs=3)
    assert learned(best.result.epochs) == learned(last.result.epochs)
    kept = best.result.epochs[1]
    assert best.result.best == kept
    for fitted, row in ((best, kept), (last, last.result.epochs[-1])):
        loss, _ = loss_and_accuracy(fitted.result.model, prepared, "validation")
        assert row.validation_loss == pytest.approx(loss, rel=1e-4)
        stored = weights_digest(weights_of(keras.models.load_model(fitted.result.model)))
        assert (stored == row.weights_sha256) is (not updates)
    assert kept.validation_loss != pytest.approx(best.result.epochs[-1].validation_loss, rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("break_off", "block"), [(interrupt_at, 5), (interrupt_at, 8), (stop_at, 4), (stop_at, 7), (stop_at, 11)]
)
def test_a_fit_that_keeps_its_best_epoch_goes_on_and_ends_where_it_would_have(
    fit: Fit,
    monkeypatch: pytest.MonkeyPatch,
    up_and_down: Callable[..., None],
    break_off: Callable[..., None],
    block: int,
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    up_and_down(0.3, 0.9, 0.5, 0.8, 1.0, 1.0)
    how = {"recipe": AVERAGED, "epochs": 6, "keep": "best", "patience": 2}
    whole = fit(**how)
    assert len(whole.result.epochs) == 4
    assert whole.result.outcome == "completed"
    assert whole.result.reason == "ended after epoch 4: no better validation accuracy in 2 epochs since epoch 2"
    assert whole.run.data.tags["reason"] == whole.result.reason
    assert whole.run.data.tags["outcome"] == "completed"
    run_id = broken_off_by(break_off, block, fit, monkeypatch, **how)
    assert_learned_the_same(fit(**how, run_id=run_id), whole)
    Path(run_id, "fitted.keras").unlink()  # killed before that was written: all is in the checkpoint
    again = fit(**how, run_id=run_id)
    assert_learned_the_same(again, whole)


def test_patience_that_all_epochs_leave_ends_nothing(fit: Fit, up_and_down: Callable[..., None]) -> None:
    up_and_down(0.3, 0.9, 0.5)
    result = fit(epochs=3, patience=1).result  # its last epoch is the one that patience would end it with
    assert (len(result.epochs), result.reason) == (3, "")

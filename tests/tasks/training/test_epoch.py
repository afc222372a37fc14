"""Divergence: wherever a loss or a weight is no longer finite, it is an outcome, and what went before is kept."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from tasks import fit as fit_module
from tasks.data.prepared import PreparedDataset
from tasks.training import epoch_loop
from tests.support.fits import PER_EPOCH, Fit, broken_off, checkpoints


def test_divergence_is_an_outcome_without_a_score(fit: Fit, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fitted = fit(recipe={"loss": "mse", "learning_rate": 1e6}, print_every=1)
    assert fitted.result.outcome == "diverged"
    match = re.fullmatch(r"the loss is (?:nan|inf) at step (\d) of epoch 1", fitted.result.reason)
    assert match
    assert fitted.result.epochs == ()
    assert fitted.result.best is None
    assert fitted.run.data.tags["outcome"] == "diverged"
    assert fitted.run.data.tags["reason"] == fitted.result.reason
    assert fitted.run.data.metrics == {}
    assert fitted.run.outputs.model_outputs == []
    # Each finite step has its line; the first that is not ends the fit with a warning.
    told = [record.getMessage() for record in caplog.records if record.name == "tasks.foundation.log"]
    assert len(told) == int(match[1])
    assert fitted.result.reason in told[-1]


ONE_STEP = {"epochs": 1, "batch_size": 5000}  # whose update no later step shows


@pytest.mark.parametrize(
    ("learning_rate", "held_back", "reason"),
    [
        (1e30, 50, r"the validation loss is (nan|inf) after epoch 1"),
        (1e30, 0, r"the loss is (nan|inf) after epoch 1"),
        (1e39, 50, r"the weight \S+/kernel holds (nan|-?inf) after epoch 1"),  # infinite, for a float32
        (1e39, 0, r"the weight \S+/kernel holds (nan|-?inf) after epoch 1"),
    ],
)
def test_what_the_last_update_of_all_ruined_has_diverged(
    fit: Fit, prepared: PreparedDataset, learning_rate: float, held_back: int, reason: str
) -> None:
    data = prepared.model_copy(update={"examples": {**prepared.examples, "validation": held_back}})
    recipe = {"optimizer": "sgd", "learning_rate": learning_rate, "hyperparameters": {}}
    fitted = fit(recipe=recipe, data=data, **ONE_STEP)
    assert fitted.result.outcome == "diverged"
    assert re.fullmatch(reason, fitted.result.reason)
    assert (fitted.result.epochs, fitted.result.best) == ((), None)
    assert fitted.run.data.tags["outcome"] == "diverged"
    assert fitted.run.data.metrics == {}
    assert fitted.run.outputs.model_outputs == []


def test_a_weight_that_no_loss_shows_has_diverged(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    original = epoch_loop.make_train_steps

    def ruining(model: keras.Model, *arguments: Any) -> Callable[..., Any]:
        train_steps = original(model, *arguments)

        def wrapped(images: Any, labels: Any) -> Any:
            trained = train_steps(images, labels)
            bias = next(weight for weight in model.weights if weight.name == "bias")
            bias.assign(np.full(bias.shape, -np.inf))  # behind a ReLU these are zeros
            return trained

        return wrapped

    monkeypatch.setattr(epoch_loop, "make_train_steps", ruining)
    fitted = fit(epochs=2)
    assert fitted.result.outcome == "diverged"
    assert re.fullmatch(r"the weight \S+/bias holds -inf after epoch 1", fitted.result.reason)


def test_a_checkpoint_that_was_ruined_before_anybody_looked_has_diverged(
    fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    ruined = {"optimizer": "sgd", "learning_rate": 1e39, "hyperparameters": {}}
    with monkeypatch.context() as patch:  # as in versions that looked at the losses of steps alone
        patch.setattr(epoch_loop, "digest_of_finite", lambda *_: None)
        patch.setattr(epoch_loop, "require_finite_loss", lambda *_: None)
        patch.setattr(fit_module, "crash_point", lambda _: 1 / 0)
        run_id = broken_off(fit, ZeroDivisionError, recipe=ruined, **ONE_STEP)
    assert checkpoints(run_id) == ["000001-000000000"]
    resumed = fit(recipe=ruined, run_id=run_id, **ONE_STEP)
    assert resumed.result.outcome == "diverged"
    assert resumed.result.reason.endswith("in the checkpoint")
    assert resumed.run.outputs.model_outputs == []


def test_epochs_before_the_divergence_are_kept(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = epoch_loop.make_train_steps, []

    def not_a_number_in_the_second_epoch(*arguments: Any) -> Callable[..., Any]:
        train_steps = original(*arguments)

        def wrapped(images: Any, labels: Any) -> Any:
            trained = train_steps(images, labels)
            calls.append(trained)
            nan_from_step_4 = tf.constant([0.0] * 3 + [math.nan] * 3)
            return trained if len(calls) == 1 else trained._replace(losses=trained.losses + nan_from_step_4)

        return wrapped

    monkeypatch.setattr(epoch_loop, "make_train_steps", not_a_number_in_the_second_epoch)
    fitted = fit(epochs=3)
    assert fitted.result.outcome == "diverged"
    assert fitted.result.reason == "the loss is nan at step 4 of epoch 2"
    assert [row.epoch for row in fitted.result.epochs] == [1]
    assert set(fitted.run.data.metrics) == PER_EPOCH
    assert fitted.history("train/loss") == [(1, fitted.result.epochs[0].train_loss)]

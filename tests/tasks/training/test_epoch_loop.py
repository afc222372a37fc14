"""A fit that is broken off goes on, and comes out as if it had not been."""

from __future__ import annotations

import logging
import math
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.image_network import pixel_normalization
from models.open_seeds import with_seeds
from tasks.building.networks import NETWORKS
from tasks.data import blocks as blocks_module
from tasks.training import epoch_loop
from tests.support.fits import (
    BLOCK_STEPS,
    SCHEDULED,
    Fit,
    Learned,
    Stop,
    Undisturbed,
    assert_learned_the_same,
    broken_off,
    broken_off_by,
    checkpoints,
    interrupt_at,
    learned,
    stop_at,
)
from tests.support.log import own_messages
from tests.support.store import store


@pytest.mark.parametrize(
    ("block", "saved"),
    [
        (1, ["000000-000000002"]),
        (5, ["000001-000000000", "000001-000000004"]),
        (9, ["000002-000000000", "000003-000000000"]),
    ],
)
def test_an_interrupted_fit_goes_on_in_mid_epoch_as_if_nothing_had_happened(
    fit: Fit, whole: Learned, monkeypatch: pytest.MonkeyPatch, block: int, saved: list[str]
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(patch, block)
        run_id = broken_off(fit, KeyboardInterrupt, recipe=SCHEDULED, epochs=3)
    assert checkpoints(run_id) == saved
    resumed = fit(recipe=SCHEDULED, epochs=3, run_id=run_id)
    assert_learned_the_same(resumed, whole)


@pytest.mark.slow
@pytest.mark.parametrize("break_off", [interrupt_at, stop_at])
def test_an_augmented_fit_that_is_broken_off_comes_out_as_if_it_had_not_been(
    fit: Fit, monkeypatch: pytest.MonkeyPatch, break_off: Callable[..., None]
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    how = {"recipe": SCHEDULED, "epochs": 3, "augment": ("flip", "crop", "mixup")}
    whole = fit(**how)
    run_id = broken_off_by(break_off, 5, fit, monkeypatch, **how)
    assert checkpoints(run_id)
    assert_learned_the_same(fit(**how, run_id=run_id), whole)
    assert learned(fit(recipe=SCHEDULED, epochs=3).result.epochs) != learned(whole.result.epochs)


def dropping(image_shape: Any, num_classes: int, *, pixel_mean: Any, pixel_deviation: Any, seed: int) -> keras.Model:
    """A small network with batch normalisation and dropout, of which no layer says a seed."""
    layers = keras.layers
    stack = [keras.Input(image_shape), pixel_normalization(pixel_mean, pixel_deviation), layers.Conv2D(4, 3, strides=2)]
    stack += [layers.BatchNormalization(), layers.ReLU(), layers.Flatten(), layers.Dropout(0.3)]
    return with_seeds(keras.Sequential([*stack, layers.Dense(num_classes)]), seed)


@pytest.mark.parametrize("break_off", [interrupt_at, stop_at])
def test_batch_normalisation_and_dropout_go_on_as_if_nothing_had_happened(
    fit: Fit, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch, break_off: Callable[..., None]
) -> None:
    monkeypatch.setitem(NETWORKS, "dropping", dropping)
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    how = {"recipe": {**SCHEDULED, "model": "dropping"}, "epochs": 3}
    whole = undisturbed(**how)
    run_id = broken_off_by(break_off, 5, fit, monkeypatch, **how)
    assert checkpoints(run_id)
    assert_learned_the_same(fit(**how, run_id=run_id), whole)


@pytest.mark.slow
@pytest.mark.parametrize("block", [2, 3, 4, 8])  # of three an epoch: before and after the backbone is opened
def test_a_backbone_is_frozen_and_opened_as_if_nothing_had_happened(
    fit: Fit, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setitem(NETWORKS, "dropping", dropping)
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    recipe = {**SCHEDULED, "model": "dropping", "schedule": "constant", "fine_tuning": (1, 0.5)}
    how = {"recipe": recipe, "epochs": 3, "frozen_epochs": 1}
    whole = fit(**how)
    assert [row.learning_rate for row in whole.result.epochs] == [0.01, 0.005, 0.005]
    assert keras.models.load_model(whole.result.model).optimizer is not None
    with monkeypatch.context() as patch:
        interrupt_at(patch, block)
        run_id = broken_off(fit, KeyboardInterrupt, **how)
    assert_learned_the_same(fit(**how, run_id=run_id), whole)


def test_only_the_head_of_a_frozen_network_is_trained(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETWORKS, "dropping", dropping)
    recipe = {"model": "dropping"}
    frozen, free = (fit(recipe=recipe, epochs=2, frozen_epochs=count).weights() for count in (2, 0))
    begun = keras.models.load_model(Path("initial.keras")).get_weights()
    same = [np.array_equal(mine, its) for mine, its in zip(frozen, begun, strict=True)]
    assert same == [True] * (len(begun) - 2) + [False] * 2
    assert not any(np.array_equal(mine, its) for mine, its in zip(free, begun, strict=True))


@pytest.mark.parametrize(
    ("block", "saved"), [(2, []), (4, ["000001-000000000"]), (8, ["000001-000000000", "000002-000000000"])]
)
def test_a_fit_that_was_killed_goes_on_after_its_last_epoch_as_if_nothing_had_happened(
    fit: Fit, whole: Learned, monkeypatch: pytest.MonkeyPatch, block: int, saved: list[str]
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, block)
        run_id = broken_off(fit, Stop, recipe=SCHEDULED, epochs=3)
    assert checkpoints(run_id) == saved
    assert_learned_the_same(fit(recipe=SCHEDULED, epochs=3, run_id=run_id), whole)


def test_a_fit_can_be_interrupted_again_and_again(
    fit: Fit, whole: Learned, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run_id = None
    for block in (2, 1, 1, 3):  # of those that this attempt trains
        with monkeypatch.context() as patch:
            interrupt_at(patch, block)
            run_id = broken_off(fit, KeyboardInterrupt, recipe=SCHEDULED, epochs=3, run_id=run_id)
    caplog.clear()
    with caplog.at_level(logging.INFO):
        resumed = fit(recipe=SCHEDULED, epochs=3, run_id=run_id)
    assert_learned_the_same(resumed, whole)
    assert own_messages(caplog)[0] == "Going on after step 2 of epoch 3."


def test_a_point_that_the_killed_process_did_not_record_is_recorded_by_the_next(
    fit: Fit, whole: Learned, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed_before_the_journal(_: str, __: Any, *, step: int = 0) -> None:
        if step == 2:
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr("tasks.tracking.record.log_metrics", killed_before_the_journal)
        run_id = broken_off(fit, Stop, recipe=SCHEDULED, epochs=3)
    assert store().get_run(run_id).data.metrics == {}
    assert_learned_the_same(fit(recipe=SCHEDULED, epochs=3, run_id=run_id), whole)


def test_a_fit_that_was_over_trains_nothing_and_says_the_same(
    fit: Fit, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fit(recipe=SCHEDULED, epochs=3)
    (workplace / whole.run_id / "fitted.keras").unlink()  # killed before that was written
    stop_at(monkeypatch, 1)
    again = fit(recipe=SCHEDULED, epochs=3, run_id=whole.run_id)
    assert again.result == whole.result
    assert_learned_the_same(again, whole)
    (_,) = again.run.outputs.model_outputs


def test_the_best_so_far_may_lie_before_the_resume(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    accuracies = iter([0.9, 0.5, 0.7])  # of the three epochs
    original = epoch_loop.score

    def pretended(*arguments: Any) -> Any:
        return original(*arguments)._replace(accuracy=next(accuracies))

    monkeypatch.setattr(epoch_loop, "score", pretended)
    with monkeypatch.context() as patch:
        stop_at(patch, 3)
        run_id = broken_off(fit, Stop, epochs=3)
    resumed = fit(epochs=3, run_id=run_id)
    assert resumed.result.best == resumed.result.epochs[0]
    assert resumed.history("best_epoch") == [(0, 1)]
    assert resumed.history("best_validation_accuracy") == [(0, 0.9)]


@pytest.mark.parametrize("block", [5, 6])  # the loss is NaN in the second block of the third epoch
def test_a_resumed_fit_diverges_where_it_would_have(fit: Fit, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    original = epoch_loop.make_train_steps

    def not_a_number_at_step_16(model: keras.Model, *arguments: Any) -> Callable[..., Any]:
        train_steps = original(model, *arguments)

        def wrapped(images: Any, labels: Any) -> Any:
            trained = train_steps(images, labels)
            steps = np.arange(len(trained.losses)) + int(model.optimizer.iterations) - len(trained.losses) + 1
            return trained._replace(losses=trained.losses + np.where(steps == 16, np.float32(math.nan), np.float32(0)))

        return wrapped

    monkeypatch.setattr(epoch_loop, "make_train_steps", not_a_number_at_step_16)
    whole = fit(epochs=3)
    assert whole.result.reason == "the loss is nan at step 4 of epoch 3"
    with monkeypatch.context() as patch:
        interrupt_at(patch, block)
        run_id = broken_off(fit, KeyboardInterrupt, epochs=3)
    assert_learned_the_same(fit(epochs=3, run_id=run_id), whole)


def test_what_a_handler_raises_goes_on_after_the_checkpoint(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    def handler(*_: Any) -> None:
        raise Stop

    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    interrupt_at(monkeypatch, 2, signal.SIGTERM)
    before = signal.signal(signal.SIGTERM, handler)
    try:
        run_id = broken_off(fit, Stop)
    finally:
        assert signal.signal(signal.SIGTERM, before) is handler
    assert checkpoints(run_id) == ["000000-000000004"]


def test_networks_that_draw_at_random_draw_the_same(
    fit: Fit, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NETWORKS, "dropping", dropping)
    how = {"recipe": {**SCHEDULED, "model": "dropping"}, "epochs": 3}
    assert_learned_the_same(fit(**how), undisturbed(**how))


def test_a_weighted_fit_goes_on_after_a_kill_as_if_nothing_had_happened(
    fit: Fit, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    settings = {"recipe": SCHEDULED, "epochs": 3, "class_weight": "balanced", "metric": "macro_f1"}
    weighted = fit(**settings)
    with monkeypatch.context() as patch:
        stop_at(patch, 5)
        run_id = broken_off(fit, Stop, **settings)
    assert_learned_the_same(fit(run_id=run_id, **settings), weighted)
    unweighted = undisturbed(recipe=SCHEDULED, epochs=3)
    losses = [[row["train_loss"] for row in each] for each in (learned(weighted.result.epochs), unweighted.rows[:3])]
    assert all(mine != its for mine, its in zip(*losses, strict=True))

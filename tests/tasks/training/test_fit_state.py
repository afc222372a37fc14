"""What a fit knows of itself, and fits whose state is more than weights: averages, gathered gradients, 16 bits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import keras
import pytest

from models.weights import weights_digest, weights_of
from tasks.data import blocks as blocks_module
from tasks.data.prepared import PreparedDataset
from tasks.training.fit_state import EpochRow, FitState
from tests.support.fits import (
    AVERAGED,
    BLOCK_STEPS,
    SCHEDULED,
    Fit,
    Stop,
    Undisturbed,
    assert_learned_the_same,
    broken_off,
    broken_off_by,
    interrupt_at,
    loss_and_accuracy,
    stop_at,
)

OLD = {  # as a checkpoint has it that was saved before other measures were kept
    "epoch": 1,
    "train_loss": 0.5,
    "train_accuracy": 0.75,
    "validation_loss": 0.25,
    "validation_accuracy": 0.875,
    "learning_rate": 0.01,
    "step_milliseconds": 1.5,
    "epoch_seconds": 2.5,
}


def test_a_row_has_its_measures_by_the_names_of_the_tracker() -> None:
    own = {"validation_balanced_accuracy": 0.8, "validation_macro_f1": 0.7, "validation_top_5_accuracy": 1.0}
    metrics = EpochRow(**{**OLD, **own}).metrics()
    assert metrics["validation/balanced_accuracy"] == 0.8
    assert metrics["validation/macro_f1"] == 0.7
    assert metrics["validation/top_5_accuracy"] == 1.0


def test_a_row_of_an_older_version_is_read_and_has_what_it_had() -> None:
    state = FitState.model_validate_json(json.dumps({"rows": [OLD], "epoch": {}}))
    assert state.rows[0].validation_balanced_accuracy is None
    assert set(state.rows[0].metrics()) == {
        *("train/loss", "train/accuracy", "validation/loss", "validation/accuracy"),
        *("learning_rate", "step_milliseconds", "epoch_seconds"),
    }


SCHEDULE_FREE = {"optimizer": "schedule_free_adamw", "hyperparameters": {"beta_1": 0.9}, "learning_rate": 0.01}


def test_a_schedule_free_fit_is_validated_at_its_mean_and_goes_on_where_it_was_broken_off(
    fit: Fit, prepared: PreparedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    whole = fit(recipe=SCHEDULE_FREE, epochs=3)
    last = whole.result.epochs[-1]
    loss, accuracy = loss_and_accuracy(whole.result.model, prepared, "validation")
    assert (last.validation_loss, last.validation_accuracy) == (pytest.approx(loss, rel=1e-4), pytest.approx(accuracy))
    assert weights_digest(weights_of(keras.models.load_model(whole.result.model))) != last.weights_sha256
    for break_off, block in ((interrupt_at, 5), (stop_at, 8)):
        run_id = broken_off_by(break_off, block, fit, monkeypatch, recipe=SCHEDULE_FREE, epochs=3)
        assert_learned_the_same(fit(recipe=SCHEDULE_FREE, epochs=3, run_id=run_id), whole)


def test_an_average_is_validated_and_stored_and_training_goes_on_without_it(
    fit: Fit, undisturbed: Undisturbed, prepared: PreparedDataset
) -> None:
    averaged, plain = fit(recipe=AVERAGED, epochs=3), undisturbed(recipe=SCHEDULED, epochs=3)
    for mine, its in zip(averaged.result.epochs, plain.rows[:3], strict=True):
        assert (mine.train_loss, mine.weights_sha256) == (its["train_loss"], its["weights_sha256"])
        assert mine.validation_loss != its["validation_loss"]
    last = averaged.result.epochs[-1]
    loss, accuracy = loss_and_accuracy(averaged.result.model, prepared, "validation")
    assert last.validation_loss == pytest.approx(loss, rel=1e-4)
    assert last.validation_accuracy == pytest.approx(accuracy)
    stored = weights_digest(weights_of(keras.models.load_model(averaged.result.model)))
    assert stored != last.weights_sha256


@pytest.mark.slow
@pytest.mark.parametrize(("break_off", "block"), [(interrupt_at, 2), (interrupt_at, 6), (stop_at, 4), (stop_at, 9)])
def test_an_averaged_fit_that_is_broken_off_comes_out_as_if_it_had_not_been(
    fit: Fit,
    undisturbed: Undisturbed,
    monkeypatch: pytest.MonkeyPatch,
    break_off: Callable[..., None],
    block: int,
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    whole = undisturbed(recipe=AVERAGED, epochs=3)
    run_id = broken_off_by(break_off, block, fit, monkeypatch, recipe=AVERAGED, epochs=3)
    assert_learned_the_same(fit(recipe=AVERAGED, epochs=3, run_id=run_id), whole)
    Path(run_id, "fitted.keras").unlink()  # killed before that was written, with all epochs in the checkpoint
    assert_learned_the_same(fit(recipe=AVERAGED, epochs=3, run_id=run_id), whole)


GATHERED = {**SCHEDULED, "updates": {"clip_norm": 0.6, "accumulate": 4, "average": "ema", "ema_momentum": 0.5}}


@pytest.mark.slow
@pytest.mark.parametrize(("break_off", "block"), [(interrupt_at, 2), (interrupt_at, 6), (stop_at, 5)])
def test_clipped_and_gathered_updates_go_on_where_they_were_broken_off(
    fit: Fit,
    undisturbed: Undisturbed,
    monkeypatch: pytest.MonkeyPatch,
    break_off: Callable[..., None],
    block: int,
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    whole = undisturbed(recipe=GATHERED, epochs=3)
    run_id = broken_off_by(break_off, block, fit, monkeypatch, recipe=GATHERED, epochs=3)
    assert_learned_the_same(fit(recipe=GATHERED, epochs=3, run_id=run_id), whole)


def test_the_share_of_clipped_updates_is_recorded_by_epoch(fit: Fit) -> None:
    gathered = fit(recipe=GATHERED, epochs=3)  # 18 batches, four to an update: one, two and one in these epochs
    shares = [row.train_clipped_share for row in gathered.result.epochs]
    assert gathered.history("train/clipped_share") == list(enumerate(shares, start=1))
    assert all(share in allowed for share, allowed in zip(shares, ({0, 1}, {0, 0.5, 1}, {0, 1}), strict=True))
    assert 0 < sum(shares) < 3, shares
    for bound, share in ((1e-6, 1), (1e6, 0)):
        (row,) = fit(recipe={"updates": {"clip_norm": bound}}, epochs=1).result.epochs
        assert row.train_clipped_share == share
    never = fit(recipe={"updates": {"clip_norm": 1.0, "accumulate": 12}}, epochs=1).result.epochs[0]
    assert never.train_clipped_share is None


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_a_fit_in_16_bits_goes_on_where_it_was_broken_off(
    fit: Fit, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    how = {"recipe": {**GATHERED, "precision": precision}, "epochs": 3}
    whole = fit(**how)
    for break_off, error in ((interrupt_at, KeyboardInterrupt), (stop_at, Stop)):
        with monkeypatch.context() as patch:
            break_off(patch, 5)
            run_id = broken_off(fit, error, **how)
        assert_learned_the_same(fit(**how, run_id=run_id), whole)
    assert all(0 <= row.train_clipped_share <= 1 for row in whole.result.epochs)
    plain = fit(recipe=GATHERED, epochs=3)
    assert [row.train_loss for row in plain.result.epochs] != [row.train_loss for row in whole.result.epochs]

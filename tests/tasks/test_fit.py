"""Fitting: what it returns, what it leaves in the store, what it says, and that it is the same every time."""

from __future__ import annotations

import json
import logging
import re
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image
from sklearn.utils.class_weight import compute_class_weight

from models.weights import weights_digest, weights_of
from served_model.description import ModelDescription, read_description
from tasks import fit as fit_module
from tasks.data import blocks as blocks_module
from tasks.data.prepared import PreparedDataset
from tasks.report.drawing import png
from tasks.training import epoch_loop
from tasks.training.fit_state import EpochRow, FitResult
from tests.support.fits import (
    BEST,
    BLOCK_STEPS,
    PER_EPOCH,
    Fit,
    Undisturbed,
    assert_learned_the_same,
    broken_off,
    interrupt_at,
    loss_and_accuracy,
    wrap_steps,
)
from tests.support.log import own_messages
from tests.support.store import store


def test_a_fit_learns_and_is_recorded_epoch_by_epoch(
    fit: Fit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_module, "png", png)
    with caplog.at_level(logging.INFO):
        fitted = fit(recipe={"learning_rate": 0.05}, epochs=3, print_every=4)
    result, rows = fitted.result, fitted.result.epochs
    assert result.outcome == "completed"
    assert result.reason == ""
    assert [row.epoch for row in rows] == [1, 2, 3]
    assert rows[-1].train_loss < 0.9 * rows[0].train_loss
    assert rows[-1].train_accuracy > rows[0].train_accuracy
    assert result.best == max(rows, key=lambda row: (row.validation_accuracy, -row.epoch))
    assert [row.learning_rate for row in rows] == [0.05] * 3

    # The store holds the rows, each value once, at step = epoch from 1.
    assert set(fitted.run.data.metrics) == PER_EPOCH | BEST
    for name in PER_EPOCH:
        assert fitted.history(name) == [(row.epoch, row.metrics()[name]) for row in rows]
    assert fitted.history("best_epoch") == [(0, result.best.epoch)]
    assert fitted.history("best_validation_accuracy") == [(0, result.best.validation_accuracy)]
    assert fitted.run.data.tags["outcome"] == "completed"
    with Image.open(store().download_artifacts(fitted.run_id, "training_curves.png")) as curves:
        assert curves.width > 500

    # 190 examples are 6 steps: a line at step 4 of each epoch, one at its end, and one of its validation.
    assert len(own_messages(caplog)) == 9
    for row, start in zip(rows, range(0, 9, 3), strict=True):
        step_line, epoch_line, validation_line = own_messages(caplog)[start : start + 3]
        assert re.fullmatch(
            rf"Epoch:\[  {row.epoch}/  3\], step:\[    4/    6\], loss:\[\d\.\d{{3}}/\d\.\d{{3}}\], "
            r"time:\d+\.\d{3} ms, lr:0\.05000",
            step_line,
        )
        assert epoch_line.endswith(f"avg loss: {row.train_loss:.3f}")
        assert validation_line.startswith(f"Epoch:[  {row.epoch}/  3]")
        for name in ("accuracy", "loss"):  # to the last digit
            assert f"validation {name}: {dict(fitted.history(f'validation/{name}'))[row.epoch]}" in validation_line


def test_the_same_fit_twice_is_the_same_bit_for_bit(
    fit: Fit, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = undisturbed()
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", 2)  # nor does the reading in blocks change a bit
    assert_learned_the_same(fit(), first)


def test_augmented_images_come_in_batches_and_are_shown(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    augmented = fit(augment=["flip", "crop"], epochs=1)
    assert {file.path for file in store().list_artifacts(augmented.run_id)} >= {"augmentation.png"}
    plain = fit(epochs=1)
    assert "augmentation.png" not in {file.path for file in store().list_artifacts(plain.run_id)}
    assert augmented.result.epochs[0].train_loss != plain.result.epochs[0].train_loss
    seeds = [fit(augment=("color",), shuffle=False, epochs=1, seed=seed).result.epochs[0].train_loss for seed in (7, 8)]
    assert seeds[0] != seeds[1]
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", 2)
    assert_learned_the_same(fit(augment=["flip", "crop"], epochs=1), augmented)


def test_another_seed_takes_the_data_in_another_order(fit: Fit, undisturbed: Undisturbed) -> None:
    first, other = undisturbed(epochs=1), fit(epochs=1, seed=8)
    assert first.rows[0]["train_loss"] != other.result.epochs[0].train_loss
    unshuffled = [fit(epochs=1, seed=seed, shuffle=False).result.epochs[0].train_loss for seed in (7, 8)]
    assert unshuffled[0] == unshuffled[1]


def test_repeat_makes_more_steps_of_an_epoch(fit: Fit, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fit(epochs=1, repeat=2)
    assert "step:[   12/   12]" in own_messages(caplog)[0]


def test_no_lines_are_logged_when_none_are_wanted(fit: Fit, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fit(epochs=1, print_every=0)
    assert own_messages(caplog) == []


@pytest.mark.parametrize("augment", [None, ("rotate", "color", "erase")])
def test_validation_is_that_of_the_saved_model(
    fit: Fit, prepared: PreparedDataset, augment: tuple[str, ...] | None
) -> None:
    fitted = fit(epochs=1, augment=augment)
    row = fitted.result.epochs[0]
    loss, accuracy = loss_and_accuracy(fitted.result.model, prepared, "validation")
    assert row.validation_loss == pytest.approx(loss, rel=1e-4)
    assert row.validation_accuracy == pytest.approx(accuracy)


def test_without_a_validation_split_there_is_no_best_epoch(fit: Fit, prepared: PreparedDataset, tmp_path: Path) -> None:
    bare = prepared.model_copy(update={"examples": {**prepared.examples, "validation": 0}})
    fitted = fit(data=bare, epochs=1)
    assert fitted.result.epochs[0].validation_loss is None
    assert fitted.result.best is None
    assert set(fitted.run.data.metrics) == {name for name in PER_EPOCH if not name.startswith("validation")}
    assert (tmp_path / fitted.run_id / "fitted.keras").is_file()


def test_the_share_of_the_parameters_that_the_named_rule_moved_is_told_where_it_is_not_all(fit: Fit) -> None:
    fitted = fit(recipe={"optimizer": "muon", "hyperparameters": {}}, epochs=1)
    ((step, share),) = fitted.history("share_by_named_rule")
    assert step == 0
    assert 0.5 < share < 1
    assert fit(epochs=1).history("share_by_named_rule") == []


def test_the_weights_of_each_epoch_are_told_by_their_digest(fit: Fit, workplace: Path) -> None:
    fitted, longer, other = fit(epochs=2), fit(epochs=3), fit(epochs=2, seed=8)
    stored = [
        json.loads(Path(store().download_artifacts(each.run_id, "weights_by_epoch.json", str(workplace))).read_text())
        for each in (fitted, longer, other)
    ]
    assert stored[0] == {str(row.epoch): row.weights_sha256 for row in fitted.result.epochs}
    assert stored[0] == {epoch: digest for epoch, digest in stored[1].items() if epoch != "3"}
    assert not set(stored[0].values()) & set(stored[2].values())
    assert stored[0]["2"] == weights_digest(weights_of(keras.models.load_model(fitted.result.model)))


def test_the_stored_model_is_told_how_it_was_trained(fit: Fit, prepared: PreparedDataset, workplace: Path) -> None:
    fit(recipe={"loss": "mse"}, epochs=1, described={"fit": "pad", "threads": 2})
    (path,) = workplace.glob("mlartifacts/models/*/artifacts/description.json")
    known = (prepared.classes, prepared.image_shape, "pad", "outputs", 2, prepared.digest)
    assert read_description(path) == ModelDescription(*known)


def test_the_seconds_of_a_fit_are_those_of_its_epochs(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 2)
        wrap_steps(patch, lambda call: time.sleep(1 if call == 1 else 0))
        run_id = broken_off(fit, KeyboardInterrupt)
    result = fit(run_id=run_id).result
    assert result.seconds == sum(row.epoch_seconds for row in result.epochs)
    first, second = result.epochs
    assert first.epoch_seconds > 1  # with what it took before it was interrupted
    assert second.epoch_seconds < 1 + first.epoch_seconds
    assert first.step_milliseconds > 1000 / 6


def test_a_fit_survives_json(fit: Fit) -> None:
    result = fit(epochs=1).result
    assert FitResult.model_validate_json(result.model_dump_json()) == result


@pytest.mark.parametrize("accuracies", [[0.5, 0.9, 0.9], [0.9, 0.5, 0.7]])
def test_the_best_epoch_is_the_first_of_the_highest_validation_accuracy(accuracies: list[float]) -> None:
    values = dict.fromkeys(EpochRow.model_fields, 1.0)
    rows = tuple(
        EpochRow(**values | {"epoch": epoch, "validation_accuracy": accuracy, "weights_sha256": "0" * 64})
        for epoch, accuracy in enumerate(accuracies, start=1)
    )
    fitted = FitResult(model=Path("m.keras"), outcome="completed", reason="", epochs=rows, seconds=1.0)
    assert fitted.best == rows[accuracies.index(0.9)]
    assert fitted.model_copy(update={"outcome": "diverged"}).best is None


def test_the_best_epoch_is_that_of_the_metric() -> None:
    values = dict.fromkeys(EpochRow.model_fields, 0.5)
    rows = tuple(
        EpochRow(**values | {"epoch": epoch, "validation_macro_f1": f1, "weights_sha256": None})
        for epoch, f1 in enumerate([0.4, 0.8, 0.6], start=1)
    )
    fitted = FitResult(model=Path("m.keras"), outcome="completed", reason="", epochs=rows, seconds=1.0)
    assert fitted.best == rows[0]
    assert fitted.model_copy(update={"metric": "macro_f1"}).best == rows[1]


def test_a_fit_is_about_its_metric_in_what_it_records_tells_and_draws(
    fit: Fit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(fit_module, "png", lambda _, __, measures: drawn.append(measures) or b"")
    with caplog.at_level(logging.INFO):
        fitted = fit(epochs=2, metric="balanced_accuracy")
    rows, best = fitted.result.epochs, fitted.result.best
    assert best == max(rows, key=lambda row: (row.validation_balanced_accuracy, -row.epoch))
    assert set(fitted.run.data.metrics) == PER_EPOCH | {"best_validation_balanced_accuracy", "best_epoch"}
    assert fitted.history("best_validation_balanced_accuracy") == [(0, best.validation_balanced_accuracy)]
    assert f"validation balanced accuracy: {rows[0].validation_balanced_accuracy!r}, validation loss" in caplog.text
    assert drawn[0]["balanced accuracy"] == {"validation": [row.validation_balanced_accuracy for row in rows]}


def test_the_weights_of_a_fit_are_those_of_the_training_split(
    fit: Fit, prepared: PreparedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    original = epoch_loop.make_train_steps
    monkeypatch.setattr(epoch_loop, "make_train_steps", lambda *each: given.append(each[3]) or original(*each))
    fit(epochs=1, class_weight="balanced")
    fit(epochs=1)
    labels = np.load(prepared.directory / "labels.npy")[prepared.indices("train")]
    expected = compute_class_weight("balanced", classes=np.arange(10), y=labels)
    np.testing.assert_allclose(given[0], expected, rtol=1e-6)
    assert given[1] is None

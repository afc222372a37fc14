"""Fitting: what it returns, what it leaves in the store, what it says, and that it is the same every time."""

from __future__ import annotations

import json
import logging
import math
import os
import re
import signal
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import keras
import mlflow
import numpy as np
import pytest
import tensorflow as tf
from mlflow.entities import Run
from sklearn import metrics as sklearn_metrics
from sklearn.utils.class_weight import compute_class_weight

from models.image_network import pixel_normalization
from models.open_seeds import with_seeds
from models.steps import make_evaluate_step
from models.weights import weights_digest, weights_of
from tasks import fit as fit_module
from tasks.building.networks import NETWORKS
from tasks.data import blocks as blocks_module
from tasks.data.prepared import PreparedDataset
from tasks.evaluate import evaluate_model
from tasks.fit import fit_model
from tasks.report.class_table import class_csv, confusion_csv
from tasks.tracking import mlflow_client, mlflow_files
from tasks.tracking.kept_predictions import unpacked
from tasks.tracking.record import recording
from tasks.tracking.store import tracking_uri
from tasks.training import epoch_loop
from tasks.training.fit_state import EpochRow, FitResult
from tests.support.log import own_messages

Fit = Callable[..., "Fitted"]
PER_EPOCH = {
    "train/loss",
    "train/accuracy",
    "validation/loss",
    "validation/accuracy",
    "validation/balanced_accuracy",
    "validation/macro_f1",
    "learning_rate",
    "step_milliseconds",
    "epoch_seconds",
}
BEST = {"best_validation_accuracy", "best_epoch"}
TIMES = {"step_milliseconds", "epoch_seconds"}


class Fitted(NamedTuple):
    result: FitResult
    run_id: str

    @property
    def run(self) -> Run:
        return store().get_run(self.run_id)

    def history(self, metric: str) -> list[tuple[int, float]]:
        return [(point.step, point.value) for point in store().get_metric_history(self.run_id, metric)]

    def weights(self) -> list[np.ndarray]:
        return keras.models.load_model(self.result.model).get_weights()


def store() -> mlflow.MlflowClient:
    return mlflow.MlflowClient(tracking_uri())


@pytest.fixture
def fit(workplace: Path, prepared: PreparedDataset, make_compiled: Callable[..., Path]) -> Fit:
    """Build, compile and fit, in a run of its own or in ``run_id``, which goes on.

    ``recipe`` goes to compile_model, the rest to fit_model.
    """
    experiment_id = mlflow_client.open_experiment("tests")

    def run(
        *,
        recipe: dict[str, Any] | None = None,
        data: PreparedDataset = prepared,
        run_id: str | None = None,
        **changes: Any,
    ) -> Fitted:
        compiled = make_compiled(**recipe or {})
        run_id = run_id or str(store().create_run(experiment_id).info.run_id)
        directory = workplace / run_id
        directory.mkdir(exist_ok=True)
        settings = {
            "epochs": 2,
            "batch_size": 32,
            "shuffle": True,
            "repeat": 1,
            "seed": 7,
            "print_every": None,
            "device": "cpu",
        }
        with recording(run_id, directory) as recorder:
            try:
                result = fit_model.fn(compiled, data, run_id, directory, **settings | changes)
            finally:
                recorder.outbox.close(60)
        return Fitted(result, run_id)

    return run


def learned(rows: Iterable[EpochRow]) -> list[dict[str, Any]]:
    return [row.model_dump(exclude=TIMES) for row in rows]


def assert_learned_the_same(one: Fitted, other: Fitted) -> None:
    """Weights, rows and points in the store are equal bit for bit, and there is one point for a metric and step."""
    assert (one.result.outcome, one.result.reason) == (other.result.outcome, other.result.reason)
    assert learned(one.result.epochs) == learned(other.result.epochs)
    if one.result.best or other.result.best:
        assert one.result.best
        assert other.result.best
        assert learned([one.result.best]) == learned([other.result.best])
    for mine, its in zip(one.weights(), other.weights(), strict=True):
        np.testing.assert_array_equal(mine, its)
    assert set(one.run.data.metrics) == set(other.run.data.metrics)
    for name in one.run.data.metrics:
        steps = [step for step, _ in one.history(name)]
        assert len(set(steps)) == len(steps)
        assert steps == [step for step, _ in other.history(name)]
        if name not in TIMES:
            assert one.history(name) == other.history(name)
    for name in ("outcome", "reason"):
        assert one.run.data.tags.get(name) == other.run.data.tags.get(name)
    assert len(one.run.outputs.model_outputs) == len(other.run.outputs.model_outputs)


def test_a_fit_learns_and_is_recorded_epoch_by_epoch(fit: Fit, caplog: pytest.LogCaptureFixture) -> None:
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
    assert {file.path for file in store().list_artifacts(fitted.run_id)} >= {"training_curves.png"}

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


def test_the_same_fit_twice_is_the_same_bit_for_bit(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fit()
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", 2)  # nor does the reading in blocks change a bit
    second = fit()
    assert_learned_the_same(first, second)


def test_augmented_images_come_in_batches_and_are_shown(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> None:
    augmented = fit(augment=["flip", "crop"])
    assert {file.path for file in store().list_artifacts(augmented.run_id)} >= {"augmentation.png"}
    plain = fit()
    assert "augmentation.png" not in {file.path for file in store().list_artifacts(plain.run_id)}
    assert augmented.result.epochs[0].train_loss != plain.result.epochs[0].train_loss
    seeds = [fit(augment=("color",), shuffle=False, epochs=1, seed=seed).result.epochs[0].train_loss for seed in (7, 8)]
    assert seeds[0] != seeds[1]
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", 2)
    assert_learned_the_same(fit(augment=["flip", "crop"]), augmented)


def test_another_seed_takes_the_data_in_another_order(fit: Fit) -> None:
    first, other = fit(epochs=1), fit(epochs=1, seed=8)
    assert first.result.epochs[0].train_loss != other.result.epochs[0].train_loss
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


class Stop(Exception):  # noqa: N818 - no error
    """What a test ends a fit with."""


def wrap_steps(monkeypatch: pytest.MonkeyPatch, before: Callable[[int], None]) -> None:
    """Have ``before`` called with the number of each block of training steps, from 1, before it is trained."""
    original, calls = epoch_loop.make_train_steps, []

    def wrapping(*arguments: Any) -> Callable[..., Any]:
        train_steps = original(*arguments)

        def wrapped(*block: Any) -> Any:
            calls.append(len(block[1]))
            before(len(calls))
            return train_steps(*block)

        return wrapped

    monkeypatch.setattr(epoch_loop, "make_train_steps", wrapping)


def interrupt_at(monkeypatch: pytest.MonkeyPatch, block: int, number: signal.Signals = signal.SIGINT) -> None:
    """Send a signal to this process while a block is trained."""
    stopping: list[Callable[[], bool]] = []
    original = fit_module.finish_the_step

    def finish_the_step(work: Callable[[Callable[[], bool]], Any]) -> Any:
        return original(lambda asked: stopping.append(asked) or work(asked))

    def interrupt(call: int) -> None:
        if call == block:
            os.kill(os.getpid(), number)
            deadline = time.monotonic() + 60
            while not stopping[-1]():  # the main thread takes it in, in its own time
                assert time.monotonic() < deadline
                time.sleep(0.001)

    monkeypatch.setattr(fit_module, "finish_the_step", finish_the_step)
    wrap_steps(monkeypatch, interrupt)


def stop_at(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """Raise where a block would be trained, as if the process had been killed there."""

    def stop(call: int) -> None:
        if call == block:
            raise Stop

    wrap_steps(monkeypatch, stop)


def run_ids() -> set[str]:
    return {run.info.run_id for run in store().search_runs([store().get_experiment_by_name("tests").experiment_id])}


def broken_off(fit: Fit, error: type[BaseException], **changes: Any) -> str:
    """Fit until ``error``, and return the id of the run."""
    before = run_ids()
    with pytest.raises(error):
        fit(**changes)
    (run_id,) = run_ids() - before or {str(changes["run_id"])}
    return run_id


def broken_off_by(
    break_off: Callable[..., None], block: int, fit: Fit, monkeypatch: pytest.MonkeyPatch, **changes: Any
) -> str:
    """Fit until `interrupt_at` or `stop_at` ends that in a block, and return the id of the run."""
    with monkeypatch.context() as patch:
        break_off(patch, block)
        return broken_off(fit, KeyboardInterrupt if break_off is interrupt_at else Stop, **changes)


def checkpoints(run_id: str) -> list[str]:
    """Where the checkpoints of a run stand: finished epochs and steps of the next."""
    paths = sorted(Path(run_id, "checkpoints").glob("*.npz"))
    return [path.name.rpartition("-")[0] for path in paths]


SCHEDULED = {"schedule": "cosine", "optimizer": "adam", "hyperparameters": {}, "weight_decay": 0.01, "epochs": 3}
BLOCK_STEPS = 2  # of 6 steps in an epoch: three blocks


@pytest.fixture
def whole(fit: Fit, monkeypatch: pytest.MonkeyPatch) -> Fitted:
    """An uninterrupted fit of three epochs, in blocks of two steps."""
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    return fit(recipe=SCHEDULED, epochs=3)


@pytest.mark.parametrize(
    ("block", "saved"),
    [
        (1, ["000000-000000002"]),
        (5, ["000001-000000000", "000001-000000004"]),
        (9, ["000002-000000000", "000003-000000000"]),
    ],
)
def test_an_interrupted_fit_goes_on_in_mid_epoch_as_if_nothing_had_happened(
    fit: Fit, whole: Fitted, monkeypatch: pytest.MonkeyPatch, block: int, saved: list[str]
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
    fit: Fit, monkeypatch: pytest.MonkeyPatch, break_off: Callable[..., None]
) -> None:
    monkeypatch.setitem(NETWORKS, "dropping", dropping)
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    how = {"recipe": {**SCHEDULED, "model": "dropping"}, "epochs": 3}
    whole = fit(**how)
    run_id = broken_off_by(break_off, 5, fit, monkeypatch, **how)
    assert checkpoints(run_id)
    assert_learned_the_same(fit(**how, run_id=run_id), whole)
    assert_learned_the_same(fit(**how), whole)


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
    fit: Fit, whole: Fitted, monkeypatch: pytest.MonkeyPatch, block: int, saved: list[str]
) -> None:
    with monkeypatch.context() as patch:
        stop_at(patch, block)
        run_id = broken_off(fit, Stop, recipe=SCHEDULED, epochs=3)
    assert checkpoints(run_id) == saved
    assert_learned_the_same(fit(recipe=SCHEDULED, epochs=3, run_id=run_id), whole)


def test_a_fit_can_be_interrupted_again_and_again(
    fit: Fit, whole: Fitted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
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
    fit: Fit, whole: Fitted, monkeypatch: pytest.MonkeyPatch
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
    fit: Fit, whole: Fitted, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_weighted_fit_goes_on_after_a_kill_as_if_nothing_had_happened(
    fit: Fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    settings = {"recipe": SCHEDULED, "epochs": 3, "class_weight": "balanced", "metric": "macro_f1"}
    undisturbed = fit(**settings)
    with monkeypatch.context() as patch:
        stop_at(patch, 5)
        run_id = broken_off(fit, Stop, **settings)
    assert_learned_the_same(fit(run_id=run_id, **settings), undisturbed)
    unweighted = fit(recipe=SCHEDULED, epochs=3)
    losses = [[row.train_loss for row in one.result.epochs] for one in (undisturbed, unweighted)]
    assert all(mine != its for mine, its in zip(*losses, strict=True))


AVERAGED = {**SCHEDULED, "updates": {"average": "ema", "ema_momentum": 0.9}}


SCHEDULE_FREE = {"optimizer": "schedule_free_adamw", "hyperparameters": {"beta_1": 0.9}, "learning_rate": 0.01}


@pytest.mark.parametrize(("break_off", "block"), [(interrupt_at, 5), (stop_at, 8)])
def test_a_schedule_free_fit_is_validated_at_its_mean_and_goes_on_where_it_was_broken_off(
    fit: Fit, prepared: PreparedDataset, monkeypatch: pytest.MonkeyPatch, break_off: Callable[..., None], block: int
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    whole = fit(recipe=SCHEDULE_FREE, epochs=3)
    last = whole.result.epochs[-1]
    loss, accuracy = loss_and_accuracy(whole.result.model, prepared, "validation")
    assert (last.validation_loss, last.validation_accuracy) == (pytest.approx(loss, rel=1e-4), pytest.approx(accuracy))
    assert weights_digest(weights_of(keras.models.load_model(whole.result.model))) != last.weights_sha256
    run_id = broken_off_by(break_off, block, fit, monkeypatch, recipe=SCHEDULE_FREE, epochs=3)
    assert_learned_the_same(fit(recipe=SCHEDULE_FREE, epochs=3, run_id=run_id), whole)


def test_an_average_is_validated_and_stored_and_training_goes_on_without_it(
    fit: Fit, prepared: PreparedDataset
) -> None:
    averaged, plain = fit(recipe=AVERAGED, epochs=3), fit(recipe=SCHEDULED, epochs=3)
    for mine, its in zip(averaged.result.epochs, plain.result.epochs, strict=True):
        assert (mine.train_loss, mine.weights_sha256) == (its.train_loss, its.weights_sha256)
        assert mine.validation_loss != its.validation_loss
    last = averaged.result.epochs[-1]
    loss, accuracy = loss_and_accuracy(averaged.result.model, prepared, "validation")
    assert last.validation_loss == pytest.approx(loss, rel=1e-4)
    assert last.validation_accuracy == pytest.approx(accuracy)
    stored = weights_digest(weights_of(keras.models.load_model(averaged.result.model)))
    assert stored != last.weights_sha256


@pytest.mark.slow
@pytest.mark.parametrize(("break_off", "block"), [(interrupt_at, 2), (interrupt_at, 6), (stop_at, 4), (stop_at, 9)])
def test_an_averaged_fit_that_is_broken_off_comes_out_as_if_it_had_not_been(
    fit: Fit, monkeypatch: pytest.MonkeyPatch, break_off: Callable[..., None], block: int
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    whole = fit(recipe=AVERAGED, epochs=3)
    run_id = broken_off_by(break_off, block, fit, monkeypatch, recipe=AVERAGED, epochs=3)
    assert_learned_the_same(fit(recipe=AVERAGED, epochs=3, run_id=run_id), whole)
    Path(run_id, "fitted.keras").unlink()  # killed before that was written, with all epochs in the checkpoint
    assert_learned_the_same(fit(recipe=AVERAGED, epochs=3, run_id=run_id), whole)


GATHERED = {**SCHEDULED, "updates": {"clip_norm": 0.6, "accumulate": 4, "average": "ema", "ema_momentum": 0.5}}


@pytest.mark.slow
@pytest.mark.parametrize(("break_off", "block"), [(interrupt_at, 2), (interrupt_at, 6), (stop_at, 5)])
def test_clipped_and_gathered_updates_go_on_where_they_were_broken_off(
    fit: Fit, monkeypatch: pytest.MonkeyPatch, break_off: Callable[..., None], block: int
) -> None:
    monkeypatch.setattr(blocks_module, "BLOCK_STEPS", BLOCK_STEPS)
    whole = fit(recipe=GATHERED, epochs=3)
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


@pytest.fixture
def up_and_down(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have validation come to these accuracies, by the number of steps that a model has made, 6 an epoch."""

    def pretend(*accuracies: float) -> None:
        original, models = epoch_loop.score, []

        def evaluated(model: keras.Model) -> Any:
            models.append(model)
            return make_evaluate_step(model)

        def pretended(*arguments: Any) -> Any:
            epoch = int(models[-1].optimizer.iterations) // 6
            return original(*arguments)._replace(accuracy=accuracies[epoch - 1])

        monkeypatch.setattr(epoch_loop, "make_evaluate_step", evaluated)
        monkeypatch.setattr(epoch_loop, "score", pretended)

    return pretend


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


def test_patience_that_all_epochs_leave_ends_nothing(fit: Fit, up_and_down: Callable[..., None]) -> None:
    up_and_down(0.3, 0.9, 0.5)
    result = fit(epochs=3, patience=1).result  # its last epoch is the one that patience would end it with
    assert (len(result.epochs), result.reason) == (3, "")


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


def labels_and_predictions(path: Path, prepared: PreparedDataset, split: str) -> tuple[np.ndarray, np.ndarray]:
    images, labels, indices = (np.load(prepared.directory / f"{name}.npy") for name in ("images", "labels", split))
    logits = keras.models.load_model(path, compile=False).predict(images[indices], verbose=0)
    return labels[indices], logits.argmax(axis=1)


def loss_and_accuracy(path: Path, prepared: PreparedDataset, split: str) -> tuple[float, float]:
    """Softmax cross entropy and accuracy in NumPy, from what the model predicts."""
    images, labels, indices = (np.load(prepared.directory / f"{name}.npy") for name in ("images", "labels", split))
    labels = labels[indices]
    logits = keras.models.load_model(path, compile=False).predict(images[indices], verbose=0).astype(np.float64)
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log_softmax[np.arange(len(labels)), labels].mean()), float(np.mean(logits.argmax(axis=1) == labels))


def test_evaluation_is_that_of_numpy_and_recorded_once(fit: Fit, prepared: PreparedDataset) -> None:
    fitted = fit(epochs=2)
    how: dict[str, Any] = {"keep_predictions": True, "device": "cpu"}
    metrics, rows = dict(evaluate_model.fn(fitted.result.model, prepared, fitted.run_id, **how)).values()
    loss, accuracy = loss_and_accuracy(fitted.result.model, prepared, "test")
    labels, predicted = labels_and_predictions(fitted.result.model, prepared, "test")
    assert metrics == {
        "test/loss": pytest.approx(loss, rel=1e-4),
        "test/accuracy": pytest.approx(accuracy),
        "test/balanced_accuracy": pytest.approx(sklearn_metrics.balanced_accuracy_score(labels, predicted)),
        "test/macro_f1": pytest.approx(sklearn_metrics.f1_score(labels, predicted, average="macro", zero_division=0)),
    }
    for name, value in metrics.items():
        assert fitted.history(name.replace("/", "_")) == [(0, value)]
    assert "confusion_matrix.png" in {file.path for file in store().list_artifacts(fitted.run_id)}
    read = partial(mlflow_files.read_file, fitted.run_id)
    assert read("classes_test.csv") == class_csv(rows).encode()
    assert read("confusion_matrix.csv") == confusion_csv(labels, predicted, prepared.classes).encode()
    kept = unpacked(read("test_predictions.npz") or b"")
    np.testing.assert_array_equal(kept.example, prepared.indices("test"))
    np.testing.assert_array_equal(kept.label, labels)
    np.testing.assert_array_equal(kept.predicted, predicted)
    np.testing.assert_array_equal(kept.probabilities.argmax(axis=1), predicted)
    np.testing.assert_allclose(kept.probabilities.sum(axis=1), 1, atol=5e-3)


def test_the_test_split_is_gone_through_once_and_keeps_nothing_unless_asked(
    fit: Fit, prepared: PreparedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted, opened = fit(epochs=1), []
    original = blocks_module.open_split
    monkeypatch.setattr("tasks.evaluate.open_split", lambda *given: opened.append(given[1]) or original(*given))
    for keep in (True, False):
        run_id = str(store().create_run(mlflow_client.open_experiment("tests")).info.run_id)
        evaluate_model.fn(fitted.result.model, prepared, run_id, keep_predictions=keep, device="cpu")
        assert (mlflow_files.read_file(run_id, "test_predictions.npz") is not None) == keep
    assert opened == ["test", "test"]

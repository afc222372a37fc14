"""Fits in tests: what they came to, and how they are broken off."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
from mlflow.entities import Run

from tasks import fit as fit_module
from tasks.data.prepared import PreparedDataset
from tasks.training import epoch_loop
from tasks.training.fit_state import EpochRow, FitResult
from tests.support.store import store

Fit = Callable[..., "Fitted"]
Undisturbed = Callable[..., "Learned"]
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
SCHEDULED = {"schedule": "cosine", "optimizer": "adam", "hyperparameters": {}, "weight_decay": 0.01, "epochs": 3}
AVERAGED = {**SCHEDULED, "updates": {"average": "ema", "ema_momentum": 0.9}}
BLOCK_STEPS = 2  # of 6 steps in an epoch: three blocks


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


def learned(rows: Iterable[EpochRow]) -> list[dict[str, Any]]:
    return [row.model_dump(exclude=TIMES) for row in rows]


class Learned(NamedTuple):
    """What a fit came to, and what the store has of it, but for the times that it took.

    Attributes:
        ended: Its outcome, the reason for it, and both as the store has them.
        rows: What each epoch came to; the last is the best of them, if any is.
        weights: Of the stored model.
        steps: The steps at which the store has points, by metric; ``points``, their values too, but for times.
        models: How many the run has stored.
    """

    ended: tuple[str | None, ...]
    rows: list[dict[str, Any]]
    weights: list[np.ndarray]
    steps: dict[str, list[int]]
    points: dict[str, list[tuple[int, float]]]
    models: int

    @classmethod
    def by(cls, fitted: Fitted) -> Learned:
        result, run = fitted.result, fitted.run
        points = {name: fitted.history(name) for name in run.data.metrics}
        return cls(
            ended=(result.outcome, result.reason, *(run.data.tags.get(name) for name in ("outcome", "reason"))),
            rows=learned([*result.epochs, *([result.best] if result.best else [])]),
            weights=fitted.weights(),
            steps={name: [step for step, _ in its] for name, its in points.items()},
            points={name: its for name, its in points.items() if name not in TIMES},
            models=len(run.outputs.model_outputs),
        )


def assert_learned_the_same(one: Fitted, other: Fitted | Learned) -> None:
    """Weights, rows and points in the store are equal bit for bit, and there is one point for a metric and step."""
    mine, its = (each if isinstance(each, Learned) else Learned.by(each) for each in (one, other))
    for my_weights, its_weights in zip(mine.weights, its.weights, strict=True):
        np.testing.assert_array_equal(my_weights, its_weights)
    assert mine._replace(weights=[]) == its._replace(weights=[])
    assert all(len(set(steps)) == len(steps) for steps in mine.steps.values())


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

"""The loop over the epochs of a fit: each is trained, validated, saved in a checkpoint and recorded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from models.augmentation import Augmentation
from models.class_weights import ClassWeight, class_weights
from models.evaluation_weights import evaluation_weights, hold_evaluation_weights
from models.freezing import Freezing
from models.loss_monitor import LossMonitor
from models.steps import Evaluated, Score, TrainSteps, loss_of, make_evaluate_step, make_train_steps, score
from study.metric import NAMES, Keep, Metric
from tasks.data.blocks import open_split, open_training_epoch
from tasks.data.class_counts import class_counts
from tasks.data.prepared import PreparedDataset
from tasks.foundation.crash_points import crash_point
from tasks.foundation.log import task_log
from tasks.terminal.progress import epoch_progress
from tasks.tracking import record
from tasks.training.best_weights import BestWeights
from tasks.training.checkpoint import Checkpoints
from tasks.training.ending import ended_early
from tasks.training.epoch import DivergenceError, digest_of_finite, epoch_row, require_finite_loss, train_epoch
from tasks.training.fit_state import EpochRow, FitState, best_of


@dataclass(frozen=True)
class EpochLoop:
    """What the epochs of one fit have in common.

    Attributes:
        prepared: The data.
        run_id: The MLflow run that takes each epoch as it ends.
        checkpoints: Of this run.
        epochs: How many there are in all.
        batch_size: Examples in one step.
        shuffle: Whether the order of the data is drawn anew every epoch.
        repeat: Passes over the training split in one epoch.
        augment: What is done to training images, of `AUGMENTATIONS`.
        seed: Fixes the order of the data, and what is random about ``augment``.
        print_every: Steps between lines of the monitor; none: once an epoch; 0: no lines.
        class_weight: How much an example of each class of the training split counts in the loss of a step.
        metric: What the best epoch is the best of: the monitor tells it beside accuracy.
        frozen_epochs: How many of them, the first, train the head alone.
        keep: Which epoch's weights the model has in the end.
        patience: After so many epochs that are no better than the best before them the fit is over; none: never.
    """

    prepared: PreparedDataset
    run_id: str
    checkpoints: Checkpoints
    epochs: int
    batch_size: int
    shuffle: bool
    repeat: int
    augment: tuple[str, ...]
    seed: int
    print_every: int | None
    class_weight: ClassWeight = "none"
    metric: Metric = "accuracy"
    frozen_epochs: int = 0
    keep: Keep = "last"
    patience: int | None = None

    def run(self, compiled: Path, device: str, stopping: Callable[[], bool]) -> tuple[keras.Model, FitState, str]:
        """Go on from the last checkpoint until all epochs are done, one of them diverges, or it is to stop.

        Returns:
            The model with the weights to evaluate with of the epoch that is kept, the state of its fit, and what
            diverged where; empty if nothing did.
        """
        steps = self.prepared.steps_per_epoch(self.batch_size, self.repeat)
        monitor = LossMonitor(task_log().info, epochs=self.epochs, steps_per_epoch=steps, print_every=self.print_every)
        with tf.device(f"{device}:0"), epoch_progress(self.epochs, steps) as progress:
            model = keras.models.load_model(compiled)
            freezing, make, best = Freezing(model, self.frozen_epochs), self._steps_of(model), BestWeights()
            how: dict[str, Any] = {"progress": progress, "stopping": stopping, "best": best}
            train = partial(self._train, model, make_evaluate_step(model), monitor, **how)
            state = self.checkpoints.restore(model, best)
            freezing.begin(self._epoch_after(state.rows))
            train_steps = make()
            self._record(state.rows)  # of which a process that was killed may not have recorded the last
            try:
                digest_of_finite(model, "in the checkpoint")
                while not self.is_over(state.rows) and not stopping():
                    if freezing.begin(self._epoch_after(state.rows)):
                        train_steps = make()  # another graph, for what is trained in it is another part
                    state = train(state=state, train_steps=train_steps)
                    self.checkpoints.save(model, state, best)
                    if not state.epoch.steps:
                        self._record(state.rows[-1:])
                hold_evaluation_weights(model)
                best.give(model)
            except DivergenceError as divergence:
                task_log().warning(
                    "Training diverged: %s. That is the outcome of this run; it has no score.", divergence
                )
                return model, state, str(divergence)
            finally:
                freezing.end()
        return model, state, ""

    def is_over(self, rows: tuple[EpochRow, ...]) -> bool:
        """Return whether there is no epoch to come after these."""
        return len(rows) >= self.epochs or bool(ended_early(rows, self.metric, self.patience))

    def _steps_of(self, model: keras.Model) -> Callable[[], TrainSteps]:
        """Return what makes the training steps of a model, for what of it is trained just then."""
        augmentation = Augmentation(self.augment, self.seed, self.prepared.image_shape) if self.augment else None
        weights = class_weights(self.class_weight, class_counts(self.prepared, "train"))
        return partial(make_train_steps, model, self.batch_size, augmentation, weights)

    def _epoch_after(self, rows: tuple[EpochRow, ...]) -> int:
        """Return the number of the epoch that comes after these, or of the last of them if none does."""
        return len(rows) + (not self.is_over(rows))

    def _train(
        self,
        model: keras.Model,
        evaluate_step: Callable[[Any, Any], Evaluated],
        monitor: LossMonitor,
        *,
        state: FitState,
        train_steps: TrainSteps,
        progress: Callable[[int, int], None],
        stopping: Callable[[], bool],
        best: BestWeights,
    ) -> FitState:
        """Return the state after the next epoch, or within it if it is to stop. Raises DivergenceError."""
        epoch = len(state.rows) + 1
        started = time.perf_counter() - state.epoch.seconds
        so_far = train_epoch(
            *(epoch, state.epoch, train_steps, self._blocks(epoch, state.epoch.steps)),
            batch_size=self.batch_size,
            monitor=monitor,
            progress=progress,
            stopping=stopping,
        )
        crash_point("epoch_trained")
        if so_far.steps < monitor.steps_per_epoch:
            return FitState(rows=state.rows, epoch=so_far)
        weights = digest_of_finite(model, f"after epoch {epoch}")
        with evaluation_weights(model):
            validated = self._validate(model, evaluate_step, epoch)
            if validated:
                measures = validated.measures()
                monitor.validated(validated.loss, {NAMES[name]: measures[name] for name in _told(self.metric)})
            row = epoch_row(epoch, so_far, validated, weights, time.perf_counter() - started)
            rows = (*state.rows, row)
            if self.keep == "best" and best_of(rows, self.metric) is row:
                best.take(model)
        return FitState(rows=rows)

    def _validate(self, model: keras.Model, evaluate_step: Callable[[Any, Any], Evaluated], epoch: int) -> Score | None:
        """Return how well the model does on what is held back, if anything is. Raises DivergenceError."""
        if self.prepared.examples["validation"]:
            validated = score(evaluate_step, open_split(self.prepared, "validation"))
            require_finite_loss("validation loss", validated.loss, epoch)
            return validated
        if epoch == self.epochs:  # else nothing would show what the last update of all made of the model
            images, labels, *_ = next(self._blocks(epoch, 0))
            require_finite_loss("loss", loss_of(model, images[: self.batch_size], labels[: self.batch_size]), epoch)
        return None

    def _blocks(self, epoch: int, steps_done: int) -> Any:
        return open_training_epoch(
            *(self.prepared, self.seed, epoch),
            batch_size=self.batch_size,
            shuffle=self.shuffle,
            repeat=self.repeat,
            steps_done=steps_done,
            appearances=bool(self.augment),
        )

    def _record(self, rows: tuple[EpochRow, ...]) -> None:
        for row in rows:
            record.log_metrics(self.run_id, row.metrics(), step=row.epoch)


def _told(metric: Metric) -> tuple[Metric, ...]:
    return ("accuracy",) if metric == "accuracy" else ("accuracy", metric)

"""One epoch of a fit: its training steps, and what it came to with its validation."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence

import keras
import numpy as np

from models.loss_monitor import LossMonitor
from models.steps import Score, TrainedSteps, TrainSteps
from models.weights import first_not_finite, weights_digest, weights_of
from tasks.data.blocks import TrainingBlock
from tasks.foundation.crash_points import crash_point
from tasks.training.fit_state import EpochRow, EpochSoFar


class DivergenceError(ArithmeticError):
    """A loss or a weight is NaN or infinite: says which, and where."""


def train_epoch(
    epoch: int,
    so_far: EpochSoFar,
    train_steps: TrainSteps,
    blocks: Iterable[TrainingBlock],
    *,
    batch_size: int,
    monitor: LossMonitor,
    progress: Callable[[int, int], None],
    stopping: Callable[[], bool],
) -> EpochSoFar:
    """Train on every block, unless it is to stop; return how far it came. Raises DivergenceError."""
    monitor.begin_epoch(epoch, step=so_far.steps, examples=so_far.examples, loss_sum=so_far.loss_sum)
    progress(epoch, so_far.steps)
    right, clipping, learning_rate = so_far.right, np.array(so_far.clipping), so_far.learning_rate
    block_started = time.perf_counter()
    started = block_started - so_far.seconds
    for block in blocks:
        trained = _in_numpy(train_steps(*block))
        now = time.perf_counter()
        examples = len(block[1])
        sizes = [min(batch_size, examples - start) for start in range(0, examples, batch_size)]
        _tell(monitor, epoch, trained, sizes, now - block_started)
        right, clipping, block_started = right + int(trained.right), clipping + trained.clipping, now
        learning_rate = float(str(trained.learning_rates[-1]))  # as typed: 0.01, not 0.009999999776482582
        progress(epoch, monitor.step)
        crash_point("block_trained")
        if stopping():
            break
    else:
        monitor.end_epoch((time.perf_counter() - started) * 1000)
    return EpochSoFar(
        steps=monitor.step,
        examples=monitor.examples,
        loss_sum=monitor.loss_sum,
        right=right,
        clipping=(int(clipping[0]), int(clipping[1])),
        learning_rate=learning_rate,
        seconds=time.perf_counter() - started,
    )


def _in_numpy(trained: TrainedSteps) -> TrainedSteps:
    """Return what steps came to as arrays; where nothing is clipped, of no updates."""
    losses, learning_rates, right = (value.numpy() for value in trained[:3])
    return TrainedSteps(losses, learning_rates, right, np.zeros(2) if trained.clipping is None else trained.clipping)


def _tell(monitor: LossMonitor, epoch: int, trained: TrainedSteps, sizes: Sequence[int], seconds: float) -> None:
    """Tell the monitor of a block's steps, up to the first whose loss is not finite. Raises DivergenceError there."""
    finite = np.isfinite(trained.losses)
    good = len(sizes) if finite.all() else int(np.argmin(finite))
    monitor.steps(
        trained.losses[:good].tolist(),
        sizes[:good],
        trained.learning_rates[:good].tolist(),
        step_milliseconds=seconds / len(sizes) * 1000,
    )
    if good < len(sizes):
        raise DivergenceError(f"the loss is {trained.losses[good]} at step {monitor.step + 1} of epoch {epoch}")


def digest_of_finite(model: keras.Model, where: str) -> str:
    """Return the digest of the weights. Raises DivergenceError if one is not finite, which no loss need show."""
    weights = weights_of(model)
    if found := first_not_finite(weights):
        raise DivergenceError(f"{found} {where}")
    return weights_digest(weights)


def require_finite_loss(what: str, loss: float, epoch: int) -> None:
    """Raise DivergenceError if a loss that was measured after the steps of an epoch is not finite."""
    if not math.isfinite(loss):
        raise DivergenceError(f"the {what} is {loss} after epoch {epoch}")


def epoch_row(epoch: int, trained: EpochSoFar, validated: Score | None, weights: str, seconds: float) -> EpochRow:
    """Return what an epoch came to.

    Args:
        epoch: Its number, from 1.
        trained: Its steps.
        validated: Its validation, if something is held back for it.
        weights: The digest of the weights at its end.
        seconds: All that it took.
    """
    measures = validated.measures() if validated else {"accuracy": None}
    updates, clipped = trained.clipping
    return EpochRow(
        epoch=epoch,
        train_loss=trained.loss_sum / trained.examples,
        train_accuracy=trained.right / trained.examples,
        validation_loss=validated.loss if validated else None,
        learning_rate=trained.learning_rate,
        step_milliseconds=trained.seconds / trained.steps * 1000,
        epoch_seconds=seconds,
        weights_sha256=weights,
        train_clipped_share=clipped / updates if updates else None,
        **{f"validation_{name}": value for name, value in measures.items()},
    )

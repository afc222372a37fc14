"""What a comparison consists of: its trials, and what follows from them."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict

Interval = tuple[float, float]  # a 95 % bootstrap interval


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Trial(_Value):
    """One training run of a comparison.

    Attributes:
        run_id: The MLflow run.
        outcome: ``diverged`` is a result, of accuracy 0; ``failed`` is none, and says nothing about the setting.
        reason: Why it diverged or failed; empty for a completed one.
        steps_per_epoch: Optimizer steps in one epoch.
        train_loss: By epoch, from the first; ``validation_accuracy`` and ``epoch_seconds`` likewise.
        epoch_seconds: Training and validation of each epoch, with the first call's compilation.
    """

    run_id: str
    optimizer: str
    loss: str
    batch_size: int
    learning_rate: float
    seed: int
    outcome: Literal["completed", "diverged", "failed"]
    reason: str = ""
    steps_per_epoch: int
    train_loss: tuple[float, ...]
    validation_accuracy: tuple[float, ...]
    epoch_seconds: tuple[float, ...]

    def epochs_to(self, target: float) -> float:
        """Return the first epoch, from 1, that reached the target; infinity if none did, or if it diverged later."""
        reached = (float(epoch) for epoch, accuracy in enumerate(self.validation_accuracy, 1) if accuracy >= target)
        return next(reached, math.inf) if self.outcome == "completed" else math.inf

    def seconds_to(self, target: float) -> float:
        """Return the seconds until that epoch was over; infinity likewise."""
        epochs = self.epochs_to(target)
        return math.inf if math.isinf(epochs) else sum(self.epoch_seconds[: int(epochs)])


class Setting(_Value):
    """One learning rate of one contender, over its seeds.

    Attributes:
        accuracies: Final validation accuracy by ascending seed, 0 where it diverged; failed trials have none.
        median: Of these; none if every trial failed.
    """

    optimizer: str
    loss: str
    batch_size: int
    learning_rate: float
    accuracies: tuple[float, ...]
    median: float | None
    diverged: int
    failed: int


class Contender(_Value):
    """An optimizer with a loss and a batch size, at the best of the learning rates that were tried.

    Attributes:
        label: Its name in words and pictures: the optimizer, and what else was varied.
        learning_rate: The best, by the median final validation accuracy over seeds.
        learning_rates: All that were tried, ascending.
        at_edge: Whether the best is the smallest or the largest of several, or the only one.
        seeds: How many seeds of the best learning rate have a result.
        accuracies: Their final validation accuracies, by ascending seed; 0 where it diverged.
        median: Of these; ``interquartile_mean`` likewise, with its ``interval`` (none for one seed).
        best_accuracy: Median over seeds of the best epoch's validation accuracy.
        reached: How many of the seeds reached the target.
        epochs_to_target: Median over seeds; a miss counts as infinite. Steps and seconds likewise.
        epochs_interval: Of the median, none for one seed; its upper end may be infinite.
        diverged: Trials over all learning rates; ``failed`` likewise.
    """

    label: str
    optimizer: str
    loss: str
    batch_size: int
    learning_rate: float
    learning_rates: tuple[float, ...]
    at_edge: bool
    seeds: int
    accuracies: tuple[float, ...]
    median: float
    interquartile_mean: float
    interval: Interval | None
    best_accuracy: float
    reached: int
    epochs_to_target: float
    epochs_interval: Interval | None
    steps_to_target: float
    seconds_to_target: float
    diverged: int
    failed: int


class Pair(_Value):
    """Two contenders, seed by seed, on the seeds that both have.

    Attributes:
        first: Label of the better one; ``second`` of the other.
        seeds: How many seeds both have.
        probability: That the first beats the second: the share of these seeds, ties as half.
        difference: Mean over seeds of the first's final validation accuracy less the second's.
        interval: Student's 95 % interval of that difference; none for fewer than two seeds.
        told_apart: Whether the interval leaves out 0; False without one.
        epochs_ratio: Median epochs to target of the first over the second's, where all seeds of both reached it.
        epochs_ratio_interval: None for fewer than two seeds.
    """

    first: str
    second: str
    seeds: int
    probability: float
    difference: float
    interval: Interval | None
    told_apart: bool
    epochs_ratio: float | None
    epochs_ratio_interval: Interval | None


class Comparison(_Value):
    """What follows from the trials.

    Attributes:
        target: Validation accuracy to be reached.
        trials: By optimizer, loss, batch size, learning rate, seed.
        settings: In the same order.
        contenders: The best first.
        pairs: Every pair of contenders, the better one first.
        verdict: What follows, a sentence each, the most important first.
        cautions: What does not follow, or not yet, a sentence each.
    """

    target: float
    trials: tuple[Trial, ...]
    settings: tuple[Setting, ...]
    contenders: tuple[Contender, ...]
    pairs: tuple[Pair, ...]
    verdict: tuple[str, ...]
    cautions: tuple[str, ...]

    def chosen_trials(self, contender: Contender) -> list[Trial]:
        """Return the trials of a contender at its best learning rate that have a result, by seed."""
        setting = (contender.optimizer, contender.loss, contender.batch_size, contender.learning_rate)
        return [
            trial
            for trial in self.trials
            if trial.outcome != "failed"
            and (trial.optimizer, trial.loss, trial.batch_size, trial.learning_rate) == setting
        ]

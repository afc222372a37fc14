"""What a comparison consists of: its trials, and what follows from them."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, InstanceOf

from study.answer import Answer
from study.interval import Interval
from study.metric import Keep, Metric
from study.plan import FIRST_CONFIRM_SEED
from study.validation_outcome import ValidationOutcome


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Trial(_Value):
    """One training run of a comparison.

    Attributes:
        run_id: The MLflow run.
        outcome: ``diverged`` is a result, of score 0; ``failed`` is none, and says nothing about the setting.
        reason: Why it diverged or failed, or why a completed one ended before all of its epochs.
        steps_per_epoch: Optimizer steps in one epoch.
        train_loss: By epoch, from the first; ``validation_accuracy`` and ``epoch_seconds`` likewise.
        epoch_seconds: Training and validation of each epoch, with the first call's compilation.
        validation_score: The metric by epoch, where the comparison is not about accuracy; else none.
        keep: The epoch that its model has the weights of.
        validated: How that model did on each of its validation images; none where that was not kept.
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
    validation_score: tuple[float, ...] | None = None
    keep: Keep = Field(default="last", exclude=True)
    validated: InstanceOf[ValidationOutcome] | None = Field(default=None, exclude=True, repr=False)

    @property
    def confirms(self) -> bool:
        """Whether its seed is one that nothing is chosen by."""
        return self.seed >= FIRST_CONFIRM_SEED

    @property
    def scores(self) -> tuple[float, ...]:
        """The metric that the comparison is about, in validation, by epoch."""
        return self.validation_accuracy if self.validation_score is None else self.validation_score

    @property
    def score(self) -> float:
        """Its value in the epoch that is kept; 0 if it diverged, for a network of NaN gets nothing right."""
        # Left out, a setting would be the better for diverging now and then.
        if self.outcome != "completed":
            return 0.0
        return max(self.scores) if self.keep == "best" else self.scores[-1]

    def epochs_to(self, target: float) -> float:
        """Return the first epoch, from 1, that reached the target; infinity if none did, or if it diverged later."""
        reached = (float(epoch) for epoch, score in enumerate(self.scores, 1) if score >= target)
        return next(reached, math.inf) if self.outcome == "completed" else math.inf

    def seconds_to(self, target: float) -> float:
        """Return the seconds until that epoch was over; infinity likewise."""
        epochs = self.epochs_to(target)
        return math.inf if math.isinf(epochs) else sum(self.epoch_seconds[: int(epochs)])


class Setting(_Value):
    """One learning rate of one contender.

    Attributes:
        added: Whether it was asked for by no one, and added because the best rate was an outermost one.
        scores: Score of each trial by ascending tuning seed, 0 where it diverged; failed trials have none.
        median: Of these; none if every trial failed.
        confirm_scores: Likewise by confirm seed; empty but for a contender's best rate.
        diverged: Of all of its trials; ``failed`` likewise.
    """

    optimizer: str
    loss: str
    batch_size: int
    learning_rate: float
    added: bool
    scores: tuple[float, ...]
    median: float | None
    confirm_scores: tuple[float, ...]
    diverged: int
    failed: int


class Contender(_Value):
    """An optimizer with a loss and a batch size, at the best of the learning rates that were tried.

    Attributes:
        label: Its name in words and pictures: the optimizer, and what else was varied.
        learning_rate: The best, by the median score over tuning seeds.
        learning_rates: All that were tried, ascending.
        at_edge: Whether the best is the smallest or the largest of several.
        confirmed: Whether what follows is from confirm trials; else from those that its rate was chosen by.
        seeds: How many of these trials have a result.
        scores: Their scores, by ascending seed; 0 where it diverged.
        median: Of these; ``interquartile_mean`` likewise, with its 95 % ``interval`` (none for one seed).
        best_score: Median over seeds of the best epoch's validation score.
        reached: How many of the seeds reached the target.
        epochs_to_target: Median over seeds; a miss counts as infinite. Steps and seconds likewise.
        epochs_interval: Of the median, none for one seed; its upper end may be infinite.
        diverged: Trials over all learning rates and seeds; ``failed`` likewise.
    """

    label: str
    optimizer: str
    loss: str
    batch_size: int
    learning_rate: float
    learning_rates: tuple[float, ...]
    at_edge: bool
    confirmed: bool
    seeds: int
    scores: tuple[float, ...]
    median: float
    interquartile_mean: float
    interval: Interval | None
    best_score: float
    reached: int
    epochs_to_target: float
    epochs_interval: Interval | None
    steps_to_target: float
    seconds_to_target: float
    diverged: int
    failed: int


class Comparison(_Value):
    """What follows from the trials.

    Attributes:
        metric: What it is about: every score is its value in validation, in the epoch to ``keep``.
        target: Value of it to be reached.
        redraws: Whether each confirm seed had validation images of its own; else all had those of the data.
        trials: By optimizer, loss, batch size, learning rate, seed.
        settings: In the same order.
        contenders: The leader of tuning first, the others in the order of tuning.
        answer: What to take, and each rival's difference from the leader.
        verdict: What follows, a sentence each, the most important first.
        doubt: How far it is known, and what would make it better known, a sentence each.
        cautions: What does not follow, or not yet, a sentence each.
    """

    metric: Metric = "accuracy"
    keep: Keep = "last"
    target: float
    redraws: bool = True
    trials: tuple[Trial, ...]
    settings: tuple[Setting, ...]
    contenders: tuple[Contender, ...]
    answer: Answer
    verdict: tuple[str, ...]
    doubt: tuple[str, ...]
    cautions: tuple[str, ...]

    def chosen_trials(self, contender: Contender) -> list[Trial]:
        """Return the trials of a contender that its numbers are from, by seed."""
        setting = (contender.optimizer, contender.loss, contender.batch_size, contender.learning_rate)
        return [
            trial
            for trial in self.trials
            if trial.outcome != "failed"
            and trial.confirms == contender.confirmed
            and (trial.optimizer, trial.loss, trial.batch_size, trial.learning_rate) == setting
        ]

"""Trials of a comparison, made of what matters to a test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np

from study.comparison import Comparison, Contender, Interval, Trial
from study.plan import FIRST_CONFIRM_SEED, ContenderPlan, Plan, PlannedTrial
from study.rounds import next_round
from study.statistics import compare_trials
from study.validation_outcome import ValidationOutcome

TARGET = 0.9
SEEDS = range(3)


def trial(*accuracies: float, **changes: Any) -> Trial:
    """A trial with these validation accuracies by epoch, each of 10 steps and of 2 seconds more than the last."""
    made = {
        "optimizer": "adam",
        "loss": "mse",
        "batch_size": 32,
        "learning_rate": 0.01,
        "seed": 0,
        "outcome": "completed",
        "steps_per_epoch": 10,
        "train_loss": [1.0] * len(accuracies),
        "validation_accuracy": accuracies,
        "epoch_seconds": [2.0 * epoch + 1 for epoch in range(len(accuracies))],
        **changes,
    }
    name = "-".join(str(made[part]) for part in ("optimizer", "loss", "batch_size", "learning_rate", "seed"))
    return Trial(**{"run_id": name, **made})


def finals(optimizer: str, accuracies: Sequence[float], **changes: Any) -> list[Trial]:
    """A trial of one epoch for each final accuracy, with the seeds 0, 1, ..."""
    return [trial(value, **{"optimizer": optimizer, "seed": n, **changes}) for n, value in enumerate(accuracies)]


def confirms(optimizer: str, accuracies: Sequence[float], **changes: Any) -> list[Trial]:
    """Likewise with the confirm seeds; what they got right of their images is not kept."""
    return [
        trial(value, **{"optimizer": optimizer, "seed": FIRST_CONFIRM_SEED + n, **changes})
        for n, value in enumerate(accuracies)
    ]


def judged_by(examples: Sequence[int], wrong: Collection[int], number: int = 0, **changes: Any) -> Trial:
    """The trial of a confirm seed, counted from 0, that got those of its validation images wrong."""
    right = np.array([example not in wrong for example in examples])
    validated = ValidationOutcome(np.array(examples), right)
    return trial(float(right.mean()), **{"seed": FIRST_CONFIRM_SEED + number, "validated": validated, **changes})


def reaching(optimizer: str, epochs: Sequence[int], final: float = 0.95, **changes: Any) -> list[Trial]:
    """A trial of six epochs for each epoch that is the first to reach the target; 0 for never."""
    histories = [[0.1] * (first - 1) + [0.95] * (6 - first) + [final] if first else [0.1] * 6 for first in epochs]
    return [trial(*history, **{"optimizer": optimizer, "seed": n, **changes}) for n, history in enumerate(histories)]


def contender_plan(optimizer: str = "adam", *rates: float, **changes: Any) -> ContenderPlan:
    """A contender with these learning rates, 0.01 alone if there are none."""
    made = {"optimizer": optimizer, "loss": "mse", "batch_size": 32, "learning_rates": rates or (0.01,)}
    return ContenderPlan(**{**made, **changes})


def plan_of(*contenders: ContenderPlan, **changes: Any) -> Plan:
    """A comparison of these, with two tuning seeds and one look at five confirm seeds."""
    made = {
        "contenders": contenders,
        "seeds": 2,
        "looks": (5,),
        "margin": 0.002,
        "target": TARGET,
        "training_images": 900,
        "validation_images": 100,
    }
    return Plan(**{**made, **changes})


def plan_for(trials: Iterable[Trial], **changes: Any) -> Plan:
    """The plan of which all of these are trials."""
    rates: dict[tuple[str, str, int], set[float]] = {}
    trials = list(trials)
    for one in trials:
        rates.setdefault((one.optimizer, one.loss, one.batch_size), set()).add(one.learning_rate)
    contenders = [
        contender_plan(optimizer, *sorted(tried), loss=loss, batch_size=size)
        for (optimizer, loss, size), tried in rates.items()
    ]
    seeds = max((one.seed + 1 for one in trials if not one.confirms), default=1)
    return plan_of(*contenders, **{"seeds": seeds, **changes})


def compared(trials: Iterable[Trial], **changes: Any) -> Comparison:
    """What follows from trials, of which the plan is made."""
    trials = list(trials)
    return compare_trials(plan_for(trials, **changes), trials)


def played(plan: Plan, run: Callable[[PlannedTrial], Trial]) -> list[tuple[Trial, ...]]:
    """The rounds of a whole comparison, given how a trial ends."""
    rounds: list[tuple[Trial, ...]] = []
    while planned := next_round(plan, itertools.chain(*rounds)):
        rounds.append(tuple(map(run, planned)))
    return rounds


def ending(planned: PlannedTrial, *accuracies: float, **changes: Any) -> Trial:
    """The trial that was planned, with these validation accuracies by epoch."""
    return trial(*accuracies, **{**planned.model_dump(exclude={"round"}), **changes})


def only(comparison: Comparison) -> Contender:
    (contender,) = comparison.contenders
    return contender


def exact(statistic: Callable[[Sequence[Any]], float], values: Sequence[Any]) -> Interval:
    """The ends of the middle 95 % of the statistic over all equally likely resamples."""
    every = sorted(statistic(drawn) for drawn in itertools.product(values, repeat=len(values)))
    low, high = np.percentile(every, [2.5, 97.5], method="inverted_cdf")
    return float(low), float(high)

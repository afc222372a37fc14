"""Comparisons of trials that nobody ran: their accuracies are drawn, or written down by a test."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from study.comparison import Comparison, Trial
from study.plan import ContenderPlan, Plan, PlannedTrial
from study.rounds import next_round
from study.statistics import compare_trials
from study.validation_outcome import ValidationOutcome

TARGET = 0.9
IMAGES, VALIDATION_IMAGES = 1437, 143
EPOCHS = 4
ALL = ("adagrad", "adam", "adamw", "lion", "momentum", "nadam", "rmsprop", "sgd")


def trial(optimizer: str, rate: float, seed: int, *accuracies: float, **changes: Any) -> Trial:
    """A trial with these validation accuracies by epoch, each of 7 steps and of 2 seconds."""
    return Trial(
        **{
            "run_id": f"{optimizer}-{rate}-{seed}",
            "optimizer": optimizer,
            "loss": "mse",
            "batch_size": 32,
            "learning_rate": rate,
            "seed": seed,
            "outcome": "completed",
            "steps_per_epoch": 7,
            "train_loss": tuple(1 - accuracy for accuracy in accuracies),
            "validation_accuracy": accuracies,
            "epoch_seconds": tuple(2.0 for _ in accuracies),
            **changes,
        }
    )


def compared(trials: Sequence[Trial], **changes: Any) -> Comparison:
    """What follows from trials, had their settings been asked for; without a look, but for what is changed."""
    rates: dict[tuple[str, str, int], set[float]] = {}
    for one in trials:
        rates.setdefault((one.optimizer, one.loss, one.batch_size), set()).add(one.learning_rate)
    contenders = tuple(
        ContenderPlan(optimizer=optimizer, loss=loss, batch_size=size, learning_rates=tuple(sorted(tried)))
        for (optimizer, loss, size), tried in sorted(rates.items())
    )
    plan = {"contenders": contenders, "seeds": 3, "looks": (), "margin": 0.002, "target": TARGET}
    images = {"training_images": IMAGES - VALIDATION_IMAGES, "validation_images": VALIDATION_IMAGES}
    return compare_trials(Plan(**{**plan, **images, **changes}), trials)


def study(
    accuracies: Mapping[str, float],
    *,
    best: Mapping[str, float] | None = None,
    twins: Mapping[str, str] | None = None,
    diverging: Mapping[str, float] | None = None,
    slope: float = 0.03,
    spread: float = 0.004,
    **changes: Any,
) -> Comparison:
    """Run a study to its end, round by round.

    Args:
        accuracies: Of each optimizer at its best rate, in the mean.
        best: That rate, unless it is 0.03.
        twins: Optimizers that do exactly as another does.
        diverging: The share of an optimizer's trials that diverge.
        slope: How much accuracy a rate costs that is ten times as far from the best.
        spread: The standard deviation of a trial's accuracy, beside that of its validation images.
        changes: What is changed in the plan.
    """
    contenders = tuple(
        ContenderPlan(
            optimizer=name,
            loss="crossentropy",
            batch_size=32,
            learning_rates=(0.01, 0.03, 0.1),
            below=(0.003, 0.001, 0.0003),
            above=(0.3, 1.0, 3.0),
        )
        for name in sorted(accuracies)
    )
    plan = {"contenders": contenders, "seeds": 3, "looks": (5, 10, 20), "margin": 0.002, "target": 0.97}
    images = {"training_images": IMAGES - VALIDATION_IMAGES, "validation_images": VALIDATION_IMAGES}
    made = Plan(**{**plan, **images, **changes})
    trials: list[Trial] = []
    while planned := next_round(made, trials):
        for one in planned:
            name = (twins or {}).get(one.optimizer, one.optimizer)
            off = abs(math.log10(one.learning_rate / (best or {}).get(name, 0.03)))
            mean = accuracies[name] - slope * off
            trials.append(_ended(one, name, mean, spread, (diverging or {}).get(name, 0.0)))
    return compare_trials(made, trials)


def _ended(planned: PlannedTrial, name: str, mean: float, spread: float, diverging: float) -> Trial:
    drawn = np.random.default_rng([zlib.crc32(f"{name} {planned.learning_rate:g}".encode()), planned.seed])
    images = np.random.default_rng(planned.split_seed)
    examples = np.sort(images.permutation(IMAGES)[:VALIDATION_IMAGES]).astype(np.int64)
    diverges = bool(drawn.random() < diverging)
    share = float(np.clip(mean + spread * drawn.normal(), 0, 1))
    # Half of what makes an image hard is the image's own, the other half luck: contenders err on other ones.
    right = images.random(VALIDATION_IMAGES) * 0.5 + drawn.random(VALIDATION_IMAGES) * 0.5 < _level(share)
    final = float(right.mean())
    curve = tuple(max(0.0, final - (1 - final + 0.05) * (0.5**epoch - 0.5**EPOCHS) * 4) for epoch in range(1, EPOCHS))
    outcome = {"outcome": "diverged", "reason": "the loss is nan at step 3 of epoch 2"} if diverges else {}
    outcome |= {"validated": ValidationOutcome(examples, right)} if planned.round == "confirm" and not diverges else {}
    setting = {"loss": planned.loss, "batch_size": planned.batch_size}
    shown = curve[:1] if diverges else (*curve, final)
    return trial(planned.optimizer, planned.learning_rate, planned.seed, *shown, **setting, **outcome)


def _level(share: float) -> float:
    """Return below what the mean of two uniform numbers lies with this probability."""
    return math.sqrt(share / 2) if share < 0.5 else 1 - math.sqrt((1 - share) / 2)


def two() -> Comparison:
    """One clearly worse than the other."""
    return study({"adam": 0.975, "sgd": 0.93}, best={"sgd": 0.3})


def eight() -> Comparison:
    """All optimizers: a twin of the leader, some worse, some undecided, one that learns next to nothing."""
    accuracies = dict(zip(ALL, (0.90, 0.978, 0.978, 0.96, 0.974, 0.976, 0.972, 0.30), strict=True))
    return study(accuracies, best={"momentum": 0.3, "adagrad": 1.0}, twins={"adamw": "adam"})


def one() -> Comparison:
    """A single contender."""
    return study({"adam": 0.975})


def tuned_only() -> Comparison:
    """What was recorded before there was confirmation."""
    return study({"adam": 0.975, "sgd": 0.95, "rmsprop": 0.97}, looks=())


def diverging() -> Comparison:
    """One contender diverges now and then."""
    return study({"adam": 0.97, "sgd": 0.965}, diverging={"sgd": 0.15})


def undecided() -> Comparison:
    """Nothing is decided: few seeds of contenders that differ by little."""
    return study({"adam": 0.972, "rmsprop": 0.97, "sgd": 0.968}, looks=(5,))


def variants() -> Comparison:
    """Eight contenders with the longest names that there are, all of them undecided."""
    trials = []
    for optimizer, loss, size in itertools.product(("momentum", "rmsprop"), ("crossentropy", "smooth_l1"), (32, 128)):
        setting = {"loss": loss, "batch_size": size}
        for rate, seed in [*itertools.product((0.0003, 0.001), range(3)), *((0.001, 1000 + n) for n in range(5))]:
            drawn = np.random.default_rng([zlib.crc32(f"{optimizer} {loss} {rate:g}".encode()), size, seed])
            accuracies = (0.5, 0.9, 0.95 + 10 * rate + 0.01 * float(drawn.normal()))
            trials.append(trial(optimizer, rate, seed, *accuracies, **setting))
    return compared(trials, looks=(5,))

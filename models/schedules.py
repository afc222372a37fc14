"""Learning rate schedules by name, over the steps of a whole training run."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops
from keras.optimizers.schedules import (
    CosineDecay,
    ExponentialDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
)

from models.choice import choose


@keras.saving.register_keras_serializable(package="lenet_pipeline")
class WarmUp(LearningRateSchedule):
    """Linear from learning_rate / warmup_steps at step 0 to learning_rate at step warmup_steps - 1.

    `then` is a learning rate, or a schedule whose step 0 is the first one after the warm-up.
    Source: Goyal et al., "Accurate, large minibatch SGD" (2017), section 2.2.
    """

    def __init__(self, learning_rate: float, warmup_steps: int, then: float | LearningRateSchedule) -> None:
        self.learning_rate = learning_rate
        self.warmup_steps = warmup_steps
        self.then = then

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of `step`, which counts from 0."""
        step = ops.convert_to_tensor(step)
        warming = self.learning_rate * (ops.cast(step, "float32") + 1.0) / self.warmup_steps
        then = self.then
        if isinstance(then, LearningRateSchedule):
            then = then(step - self.warmup_steps)
        return ops.where(step < self.warmup_steps, warming, then)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the same schedule again."""
        then = keras.saving.serialize_keras_object(self.then)
        return {"learning_rate": self.learning_rate, "warmup_steps": self.warmup_steps, "then": then}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WarmUp:
        """Make the schedule that `get_config` described."""
        return cls(**{**config, "then": keras.saving.deserialize_keras_object(config["then"])})


@keras.saving.register_keras_serializable(package="lenet_pipeline")
class FineTuning(LearningRateSchedule):
    """A learning rate, or a schedule of it, that is multiplied by `factor` from step `first_step` on."""

    def __init__(self, of: float | LearningRateSchedule, first_step: int, factor: float) -> None:
        self.of = of
        self.first_step = first_step
        self.factor = factor

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of `step`, which counts from 0."""
        rate = self.of(step) if isinstance(self.of, LearningRateSchedule) else self.of
        return ops.where(ops.convert_to_tensor(step) < self.first_step, rate, rate * self.factor)

    def get_config(self) -> dict[str, Any]:
        """Return what makes the same schedule again."""
        of = keras.saving.serialize_keras_object(self.of)
        return {"of": of, "first_step": self.first_step, "factor": self.factor}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> FineTuning:
        """Make the schedule that `get_config` described."""
        return cls(**{**config, "of": keras.saving.deserialize_keras_object(config["of"])})


def fine_tuned(
    rate: float | LearningRateSchedule, steps_per_epoch: int, fine_tuning: tuple[int, float] | None
) -> float | LearningRateSchedule:
    """Return a rate that is multiplied, after so many epochs, by a factor: `fine_tuning`; none: the rate itself."""
    if fine_tuning is None:
        return rate
    epochs, factor = fine_tuning
    return FineTuning(rate, epochs * steps_per_epoch, factor)


def _constant(learning_rate: float, _steps: int) -> float:
    return learning_rate


def _cosine(learning_rate: float, steps: int) -> LearningRateSchedule:
    """Half a cosine, which comes to 0 just after the last step (Loshchilov, Hutter, "SGDR", 2017)."""
    return CosineDecay(learning_rate, decay_steps=steps)


def _exponential(learning_rate: float, steps: int) -> LearningRateSchedule:
    """The same factor in every step, which comes to 1/100 just after the last."""
    return ExponentialDecay(learning_rate, decay_steps=steps, decay_rate=0.01)


def _step(learning_rate: float, steps: int) -> LearningRateSchedule:
    """Times 0.1 from one half of the steps, and again from three quarters."""
    # Keras keeps a value up to and including its boundary.
    boundaries = [math.ceil(steps * share) - 1 for share in (0.5, 0.75)]
    return PiecewiseConstantDecay(boundaries, [learning_rate, learning_rate * 0.1, learning_rate * 0.01])


SCHEDULES: dict[str, Callable[[float, int], float | LearningRateSchedule]] = {
    "constant": _constant,
    "cosine": _cosine,
    "exponential": _exponential,
    "step": _step,
}


def make_schedule(
    name: str, *, learning_rate: float, steps_per_epoch: int, epochs: int, warmup_epochs: float = 0
) -> float | LearningRateSchedule:
    """Make the schedule `name` of SCHEDULES; `constant` without warm-up is the number itself.

    Args:
        name: a name in SCHEDULES.
        learning_rate: the highest that it reaches; positive.
        steps_per_epoch: optimizer steps, at least 1.
        epochs: of the whole run, at least 1.
        warmup_epochs: over which the learning rate first rises, less than `epochs`. A fraction is rounded to
            whole steps, at least one. The schedule runs over the steps that remain.

    Raises:
        ValueError: an unknown name, a value out of bounds, or a warm-up that leaves no step.
    """
    make = choose("schedule", SCHEDULES, name)
    if not (learning_rate > 0 and math.isfinite(learning_rate)):
        raise ValueError(f"learning_rate must be positive and finite; received {learning_rate}")
    if steps_per_epoch < 1 or epochs < 1:
        raise ValueError(
            "steps_per_epoch and epochs must be at least 1; "
            f"received steps_per_epoch={steps_per_epoch}, epochs={epochs}"
        )
    if not 0 <= warmup_epochs < epochs:
        raise ValueError(f"warmup_epochs must be at least 0 and less than epochs={epochs}; received {warmup_epochs}")
    steps = steps_per_epoch * epochs
    if warmup_epochs == 0:
        return make(float(learning_rate), steps)
    warmup_steps = max(1, round(warmup_epochs * steps_per_epoch))
    if warmup_steps >= steps:
        raise ValueError(f"a warm-up of {warmup_epochs} epochs leaves none of the {steps} steps; shorten it")
    return WarmUp(float(learning_rate), warmup_steps, make(float(learning_rate), steps - warmup_steps))

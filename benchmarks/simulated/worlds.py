"""What a made-up world is: how the truth is, and how a trial in it comes to its score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from study.plan import ContenderPlan, Plan

Values = NDArray[np.float64]
Spread = Literal["normal", "skewed", "heavy-tailed"]
CONFIRM_SEEDS = 20  # that are drawn; the last look
TUNING_SEEDS = 3
LOOKS = (5, 10, CONFIRM_SEEDS)
AGREED_SHARE = 0.5  # of the images: there all contenders find the same ones hard
HARD_SHARE, HARDNESS = 0.05, 15.0  # of a contender's images so many are hard, which it misses so many times as often
EASINESS = (1 - HARD_SHARE * HARDNESS) / (1 - HARD_SHARE)  # as often as it misses the others: once on average
MOST_ERROR = 1 / HARDNESS  # of a trial: then it misses every hard image

# Each has mean 0 and standard deviation 1; what is skewed has its long tail among the bad seeds.
SPREADS: dict[Spread, Callable[[np.random.Generator, tuple[int, ...]], Values]] = {
    "normal": lambda random, shape: random.standard_normal(shape),
    "skewed": lambda random, shape: 1 - random.standard_exponential(shape),
    "heavy-tailed": lambda random, shape: random.standard_t(3, shape) / np.sqrt(3),
}


@dataclass(frozen=True)
class World:
    """How contenders truly are, and what hides it.

    A study in it draws ``images`` anew, and which of them a contender finds hard: on half of the images all contenders
    agree about that, on the other half it is drawn for each. So contenders that are equal over all images that there
    could be are not equal on those of a study, however many seeds it has. That is what a single split cannot see.

    A trial draws its error rate: that of its contender, less what its seed happens to do, times ``seed_deviation``.
    Then it misses each of its validation images with that probability, times ``HARDNESS`` if it finds it hard,
    ``EASINESS`` if not.

    Attributes:
        name: What is said of it.
        contenders: How many; ``rates`` learning rates of each, which are all equal.
        images: That are trained on or judged by, of which ``validation`` judge.
        error: Mean error rate of every contender but the first, whose is less by ``better_by``.
        spread: How seeds differ; ``seed_deviation``, by how much accuracy, as a standard deviation.
        steady: The contenders but the first have only a tenth of that deviation, and it is a normal one.
        common: Whether the same seed does as much again to all contenders alike.
        nested: Whether all contenders find the same images hard, and the others miss what the first misses, and a few
            more: they seldom differ at all.
        margin: Of the studies in it.
        extend: Whether three learning rates, as good, may be added on either side.
    """

    name: str
    contenders: int = 2
    rates: int = 3
    images: int = 10_000
    validation: int = 1_000
    error: float = 0.04
    better_by: float = 0.0
    spread: Spread = "normal"
    seed_deviation: float = 0.004
    steady: bool = False
    common: bool = False
    nested: bool = False
    margin: float = 0.002
    extend: bool = False

    @property
    def errors(self) -> Values:
        """Return the true error rates, one a contender."""
        return np.array([self.error - self.better_by, *[self.error] * (self.contenders - 1)])

    @property
    def plan(self) -> Plan:
        """Return what is asked of a study in it."""
        rates = [0.01 * 2.0**power for power in range(-3, self.rates + 3)]
        below, above = (tuple(rates[2::-1]), tuple(rates[-3:])) if self.extend else ((), ())
        return Plan(
            contenders=tuple(
                ContenderPlan(
                    optimizer=str(number),
                    loss="loss",
                    batch_size=1,
                    learning_rates=tuple(rates[3:-3]),
                    below=below,
                    above=above,
                )
                for number in range(self.contenders)
            ),
            seeds=TUNING_SEEDS,
            looks=LOOKS,
            margin=self.margin,
            target=1.0,
            training_images=self.images - self.validation,
            validation_images=self.validation,
        )

    def paired_deviation(self) -> float:
        """Return the standard deviation of a seed's difference of the first two, in accuracy; not if nested."""
        first, second = self.errors[:2]
        squared = HARD_SHARE * HARDNESS**2 + (1 - HARD_SHARE) * EASINESS**2  # mean square of how hard an image is
        both_err = first * second * (AGREED_SHARE * squared + 1 - AGREED_SHARE)
        one_alone_errs = first + second - 2 * both_err - (first - second) ** 2
        return float(np.sqrt(2 * self.seed_deviation**2 + one_alone_errs / self.validation))

    def mostly_seeds(self) -> bool:
        """Return whether a seed's difference varies with what seeds do, more than with which images judge it."""
        return 2 * self.seed_deviation**2 > self.paired_deviation() ** 2 / 2


def apart(world: World, deviations: float) -> World:
    """Return the world with its first contender better by so many standard deviations of a seed's difference."""
    for _ in range(20):  # that deviation depends a little on by how much, and soon no more
        world = replace(world, better_by=deviations * world.paired_deviation())
    apart_by = f"{deviations:g} {'deviation' if deviations == 1 else 'deviations'}"
    return replace(world, name=f"{world.name}, apart by {apart_by}")

"""One study of a made-up world: its images, and the score of every trial that it could ask for."""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulated.worlds import (
    AGREED_SHARE,
    CONFIRM_SEEDS,
    EASINESS,
    HARD_SHARE,
    HARDNESS,
    MOST_ERROR,
    SPREADS,
    TUNING_SEEDS,
    Values,
    World,
)
from study.comparison import Trial
from study.plan import FIRST_CONFIRM_SEED, PlannedTrial
from study.validation_outcome import ValidationOutcome


class DrawnStudy:
    """Everything that chance decides in one study, drawn at once, so that the order of the trials changes nothing.

    Args:
        world: In which it is.
        number: Of the study, which fixes what is drawn.

    Attributes:
        confirm_accuracies: Of every contender (first axis) on every confirm seed.
    """

    def __init__(self, world: World, number: int) -> None:
        self._world = world
        self._random = np.random.default_rng([zlib.crc32(world.name.encode()), number])
        self._hard = self._hard_images()
        alike = world.plan.contenders[0]  # all are tried with the same rates
        rates = (*alike.below[::-1], *alike.learning_rates, *alike.above)
        self._rates = {rate: place for place, rate in enumerate(rates)}
        self._tuning = self._tuning_accuracies(len(rates))
        self._splits = [self._split() for _ in range(CONFIRM_SEEDS)]
        self._right = self._right_answers()
        self.confirm_accuracies: Values = np.array([right.mean(axis=1) for right in self._right]).T

    def trial(self, planned: PlannedTrial) -> Trial:
        """Return how a trial ends."""
        contender, seed = int(planned.optimizer), planned.seed - FIRST_CONFIRM_SEED
        if seed < 0:
            accuracy = self._tuning[contender, self._rates[planned.learning_rate], planned.seed]
            validated = None
        else:
            accuracy = self.confirm_accuracies[contender, seed]
            validated = ValidationOutcome(self._splits[seed], self._right[seed][contender])
        return Trial.model_construct(  # unchecked: it is right by construction, and there are millions
            run_id="",
            optimizer=planned.optimizer,
            loss=planned.loss,
            batch_size=planned.batch_size,
            learning_rate=planned.learning_rate,
            seed=planned.seed,
            outcome="completed",
            reason="",
            steps_per_epoch=1,
            train_loss=(),
            validation_accuracy=(float(accuracy),),
            epoch_seconds=(),
            validated=validated,
        )

    def _hard_images(self) -> NDArray[np.bool_]:
        """Return which images (second axis) each contender (first) finds hard."""
        world, random = self._world, self._random
        for_all = random.random(world.images, np.float32) < HARD_SHARE
        if world.nested:
            return np.tile(for_all, (world.contenders, 1))
        for_one = random.random((world.contenders, world.images), np.float32) < HARD_SHARE
        return np.where(random.random(world.images, np.float32) < AGREED_SHARE, for_all, for_one)

    def _split(self) -> NDArray[np.int64]:
        """Return the images that judge a trial, ascending."""
        drawn = self._random.choice(self._world.images, self._world.validation, replace=False, shuffle=False)
        drawn.sort()
        return drawn

    def _errors(self, *shape: int) -> Values:
        """Return error rates of trials: of each contender (first axis), by seed (last axis)."""
        world, random = self._world, self._random
        drawn = SPREADS[world.spread](random, (world.contenders, *shape))
        if world.steady:
            drawn[1:] = 0.1 * random.standard_normal(drawn[1:].shape)
        if world.common:
            drawn += random.standard_normal(shape[-1])
        errors = world.errors.reshape(-1, *[1] * len(shape)) - world.seed_deviation * drawn
        return np.clip(errors, 0, MOST_ERROR)

    def _tuning_accuracies(self, rates: int) -> Values:
        """Return the accuracy of each contender with each rate on each tuning seed; all share a split."""
        hardness = np.where(self._hard[:, self._split()], HARDNESS, EASINESS).mean(axis=1)
        errors = self._errors(rates, TUNING_SEEDS) * hardness[:, None, None]
        missed: NDArray[np.int64] = self._random.binomial(self._world.validation, errors.clip(0, 1))
        return 1 - missed / self._world.validation

    def _right_answers(self) -> list[NDArray[np.bool_]]:
        """Return, for each confirm seed, what each contender (first axis) gets right of its split (second axis)."""
        world = self._world
        errors = self._errors(CONFIRM_SEEDS).astype(np.float32)
        drawn_alike = 1 if world.nested else world.contenders
        return [
            self._random.random((drawn_alike, world.validation), np.float32)
            >= np.where(self._hard[:, split], HARDNESS * error[:, None], EASINESS * error[:, None])
            for split, error in zip(self._splits, errors.T, strict=True)
        ]

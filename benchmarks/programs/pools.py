"""A small study in each of some disjoint pools of MNIST's training images: what it answers, and what is true.

Its rounds, looks and judgements are those of ``study/``, its networks and steps those of ``models/``; nothing is
recorded. Prints, as JSON, a list with the outcome of each pool. Usage: pools.py POOLS FIRST STEP (so many pools; of
these every STEP-th from FIRST on)
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from models.lenet import build_lenet
from models.losses import make_loss
from models.optimizers import make_optimizer
from models.steps import make_evaluate_step, make_train_steps
from study.comparison import Trial
from study.confirmation import confirm
from study.ended_trials import EndedTrials
from study.plan import ContenderPlan, Plan, PlannedTrial
from study.rounds import chosen_of, next_round
from study.tuning import tuned
from study.validation_outcome import ValidationOutcome
from tasks.dataset import prepare_dataset
from tasks.training.threads import use_threads

RATES = {"sgd": 0.1, "momentum": 0.01, "adam": 0.001}  # one each: what is true of it is then known from all pools
EPOCHS, BATCH_SIZE = 3, 32
VALIDATION_SHARE = 0.1
BLOCK = 2_000  # test images that are evaluated at a time


class Contender:
    """A network with its optimizer, traced once and begun anew for each trial."""

    def __init__(self, optimizer: str, prepared: Any) -> None:
        self._pixels = {"pixel_mean": prepared.pixel_mean, "pixel_deviation": prepared.pixel_deviation}
        self._model = self._built(seed=0)
        self._model.compile(
            optimizer=make_optimizer(optimizer, learning_rate=RATES[optimizer]), loss=make_loss("softmax_cross_entropy")
        )
        self._model.optimizer.build(self._model.trainable_variables)
        self._start = [variable.numpy() for variable in self._model.optimizer.variables]
        self._train, self._evaluate = make_train_steps(self._model, BATCH_SIZE), make_evaluate_step(self._model)

    def trained(self, images: Any, labels: Any, seed: int) -> None:
        """Train from the initial weights of a seed, in the order of the seed."""
        self._model.set_weights(self._built(seed).get_weights())
        for variable, start in zip(self._model.optimizer.variables, self._start, strict=True):
            variable.assign(start)
        for epoch in range(EPOCHS):
            order = np.random.default_rng([seed, epoch]).permutation(len(labels))
            self._train(images[order], labels[order])

    def right(self, images: Any, labels: Any) -> Any:
        """Return which images it classifies rightly."""
        blocks = range(0, len(labels), BLOCK)
        found = [self._evaluate(images[at : at + BLOCK], labels[at : at + BLOCK])[1].numpy() for at in blocks]
        return np.concatenate(found) == labels

    def _built(self, seed: int) -> Any:
        return build_lenet((32, 32, 1), 10, **self._pixels, seed=seed)


class Pool:
    """The images of one pool, and the trials in it."""

    def __init__(self, images: Any, labels: Any, test: tuple[Any, Any], contenders: dict[str, Contender]) -> None:
        self._images, self._labels, self._test, self._contenders = images, labels, test, contenders
        self.plan = Plan(
            contenders=tuple(
                ContenderPlan(optimizer=name, loss="loss", batch_size=BATCH_SIZE, learning_rates=(rate,))
                for name, rate in RATES.items()
            ),
            seeds=2,
            looks=(5, 10, 20),
            margin=0.002,
            target=1.0,
            training_images=len(labels) - int(VALIDATION_SHARE * len(labels)),
            validation_images=int(VALIDATION_SHARE * len(labels)),
        )
        self.test_accuracies: dict[str, list[float]] = {name: [] for name in RATES}

    def trial(self, planned: PlannedTrial) -> Trial:
        """Run a trial; a confirm trial is asked for the test images too, which its study does not see."""
        shuffled = np.random.default_rng(planned.split_seed).permutation(len(self._labels))
        judging, training = np.split(shuffled, [self.plan.validation_images])
        judging.sort()
        contender = self._contenders[planned.optimizer]
        contender.trained(self._images[training], self._labels[training], planned.seed)
        right = contender.right(self._images[judging], self._labels[judging])
        if planned.round == "confirm":
            self.test_accuracies[planned.optimizer].append(float(contender.right(*self._test).mean()))
        return Trial(
            run_id=f"{planned.optimizer} {planned.seed}",
            **planned.model_dump(exclude={"round"}),
            outcome="completed",
            steps_per_epoch=1,
            train_loss=(0.0,),
            validation_accuracy=(float(right.mean()),),
            epoch_seconds=(0.0,),
            validated=ValidationOutcome(judging, right),
        )


def outcome_of(pool: Pool) -> dict[str, Any]:
    """Run a study in a pool and return its leader, what it says of each rival, and the test accuracies of all."""
    trials: list[Trial] = []
    while planned := next_round(pool.plan, trials):
        trials += map(pool.trial, planned)
    chosen = chosen_of(tuned(pool.plan, ended := EndedTrials(trials)))
    judged = confirm(pool.plan, chosen, ended).judged
    rivals = {one.rival[0].optimizer: {"judgement": one.judgement, "interval": one.interval} for one in judged}
    return {"leader": chosen[0][0].optimizer, "rivals": rivals, "test_accuracies": pool.test_accuracies}


def main(pools: int, first: int, step: int) -> list[dict[str, Any]]:
    """Return the outcome of every ``step``-th pool from ``first`` on."""
    use_threads(1)
    prepared = prepare_dataset.fn("mnist", image_size=32, validation_fraction=0, download=False)
    images, labels = (np.load(prepared.directory / f"{name}.npy", mmap_mode="r") for name in ("images", "labels"))
    train, test = (np.load(prepared.directory / f"{split}.npy") for split in ("train", "test"))
    contenders = {name: Contender(name, prepared) for name in RATES}
    parts: Sequence[Any] = np.array_split(np.random.default_rng(0).permutation(train), pools)
    tests = images[test], labels[test].astype(np.int32)
    made = (Pool(images[part], labels[part].astype(np.int32), tests, contenders) for part in parts[first::step])
    return [outcome_of(pool) for pool in made]


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))

"""A small study in each of some disjoint pools of MNIST's training images: what it answers, and what is true.

Its rounds, looks and judgements are those of ``study/``, its networks and steps those of ``models/``; nothing is
recorded. Prints, as JSON, a list with the outcome of each pool. Usage: pools.py POOLS FIRST STEP (so many pools; of
these every STEP-th from FIRST on)
"""

from __future__ import annotations

import json
import sys
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
BLOCK = 2_000  # images that are evaluated at a time
FIRST_TRUE_SEED, TRUE_SEEDS = 5_000, 5  # what tells the truth: no study comes near them
SEEDS_OF_A_POOL = 10_000


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

    def trained(self, images: Any, labels: Any, seed: int, epochs: int = EPOCHS) -> None:
        """Train from the initial weights of a seed, in the order of the seed."""
        self._model.set_weights(self._built(seed).get_weights())
        for variable, start in zip(self._model.optimizer.variables, self._start, strict=True):
            variable.assign(start)
        for epoch in range(epochs):
            order = np.random.default_rng([seed, epoch]).permutation(len(labels))
            self._train(images[order], labels[order])

    def logits(self, images: Any, labels: Any) -> Any:
        """Return the logits of images, of shape (images, classes)."""
        blocks = range(0, len(labels), BLOCK)
        found = [self._evaluate(images[at : at + BLOCK], labels[at : at + BLOCK]).logits.numpy() for at in blocks]
        return np.concatenate(found)

    def right(self, images: Any, labels: Any) -> Any:
        """Return which images it classifies rightly."""
        return self.logits(images, labels).argmax(axis=1) == labels

    def _built(self, seed: int) -> Any:
        return build_lenet((32, 32, 1), 10, **self._pixels, seed=seed)


class Pool:
    """The images of one pool, and the trials in it.

    Args:
        images: Of the pool; ``labels`` belong to them.
        first_seed: Added to each seed that trains: so that no two pools share initial weights, which would move the
            differences of all pools, and what is taken for the truth, the same way.
    """

    def __init__(self, images: Any, labels: Any, contenders: dict[str, Contender], first_seed: int) -> None:
        self._images, self._labels, self._contenders, self._first_seed = images, labels, contenders, first_seed
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

    def trial(self, planned: PlannedTrial) -> Trial:
        """Run a trial of the study."""
        judging, training = self._split(planned.split_seed)
        contender = self._trained(planned.optimizer, training, planned.seed)
        right = contender.right(self._images[judging], self._labels[judging])
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

    def accuracies(self, unseen: dict[str, tuple[Any, Any]]) -> dict[str, dict[str, list[float]]]:
        """Train on seeds that the study does not use, and return the accuracies on images that the pool has not.

        These are as many for every contender, whatever the study decided and when: it stops where a difference
        happens to look large, so the mean of its own trials would exaggerate.

        Args:
            unseen: Images and labels, by what they are.

        Returns:
            By the same names and by contender, a value a seed.
        """
        found: dict[str, dict[str, list[float]]] = {name: {one: [] for one in RATES} for name in unseen}
        for seed in range(FIRST_TRUE_SEED, FIRST_TRUE_SEED + TRUE_SEEDS):
            _, training = self._split(seed)
            for optimizer in RATES:
                contender = self._trained(optimizer, training, seed)
                for name, (images, labels) in unseen.items():
                    found[name][optimizer].append(float(contender.right(images, labels).mean()))
        return found

    def _split(self, split_seed: int) -> tuple[Any, Any]:
        shuffled = np.random.default_rng(split_seed).permutation(len(self._labels))
        judging, training = np.split(shuffled, [self.plan.validation_images])
        return np.sort(judging), training

    def _trained(self, optimizer: str, training: Any, seed: int) -> Contender:
        contender = self._contenders[optimizer]
        contender.trained(self._images[training], self._labels[training], self._first_seed + seed)
        return contender


def outcome_of(pool: Pool) -> dict[str, Any]:
    """Run a study in a pool and return its leader, and what it says of each rival."""
    trials: list[Trial] = []
    while planned := next_round(pool.plan, trials):
        trials += map(pool.trial, planned)
    chosen = chosen_of(tuned(pool.plan, ended := EndedTrials(trials)))
    judged = confirm(pool.plan, chosen, ended).judged
    rivals = {
        one.rival[0].optimizer: {"judgement": one.judgement, "interval": one.interval, "seeds": one.seeds}
        for one in judged
    }
    return {"leader": chosen[0][0].optimizer, "rivals": rivals}


def main(pools: int, first: int, step: int) -> list[dict[str, Any]]:
    """Return the outcome of every ``step``-th pool from ``first`` on, and how accurate its contenders truly are."""
    use_threads(1)
    prepared = prepare_dataset.fn("mnist", image_size=32, validation_fraction=0, download=False)
    images, labels = (np.load(prepared.directory / f"{name}.npy", mmap_mode="r") for name in ("images", "labels"))
    train, test = (np.load(prepared.directory / f"{split}.npy") for split in ("train", "test"))
    contenders = {name: Contender(name, prepared) for name in RATES}
    shuffled = np.random.default_rng(0).permutation(train)
    parts = np.array_split(shuffled, pools)

    def pixels_and_labels(examples: Any) -> tuple[Any, Any]:
        return images[examples], labels[examples].astype(np.int32)

    tests, outcomes = pixels_and_labels(test), []
    for number in range(first, pools, step):
        others = np.concatenate([parts[(number + 1 + at) % pools] for at in range(pools - 1)])
        pool = Pool(*pixels_and_labels(parts[number]), contenders, first_seed=number * SEEDS_OF_A_POOL)
        unseen = {"test": tests, "other pools": pixels_and_labels(others[: len(test)])}
        outcomes.append({**outcome_of(pool), "accuracies": pool.accuracies(unseen)})
    return outcomes


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))

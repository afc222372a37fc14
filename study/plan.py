"""What was asked of a comparison, as far as it decides which trials run and what follows from them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from study.metric import Keep, Metric

FIRST_CONFIRM_SEED = 1000  # tuning has the seeds below, confirmation those from here on: no seed is ever in both

Round = Literal["tune", "extend", "confirm"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class ContenderPlan(_Value):
    """An optimizer with a loss and a batch size, and the learning rates from which its best is chosen.

    Attributes:
        learning_rates: What is tried of it, ascending.
        below: What may be added below these, the nearest first; empty: nothing.
        above: Likewise above them.
    """

    optimizer: str
    loss: str
    batch_size: int
    learning_rates: tuple[float, ...]
    below: tuple[float, ...] = ()
    above: tuple[float, ...] = ()

    def trial(self, kind: Round, rate: float, seed: int) -> PlannedTrial:
        """Return a trial of this contender in a round of that kind."""
        return PlannedTrial(
            round=kind,
            optimizer=self.optimizer,
            loss=self.loss,
            batch_size=self.batch_size,
            learning_rate=rate,
            seed=seed,
        )


class Plan(_Value):
    """What was asked.

    Attributes:
        contenders: What is compared.
        seeds: Tuning tries every learning rate with the seeds 0, 1, ..., so many of them.
        looks: After so many confirm seeds, ascending, contenders are compared with the leader; empty: never.
        margin: Scores that differ by less are as good, one as the other.
        metric: What contenders are ranked and judged by: a trial's score is its value in validation.
        keep: In which of the trial's epochs: the last, or the best.
        target: Value of the metric to be reached in validation, by which contenders that are as good are told apart.
        training_images: Images that one trial trains on.
        validation_images: Images that one trial is judged by.
        redraws: Whether each confirm seed draws these anew, of both together; else all trials have the same.
        leaked: How many images that judge equal one that is trained on, in words; empty: none.
    """

    contenders: tuple[ContenderPlan, ...]
    seeds: int
    looks: tuple[int, ...]
    margin: float
    target: float
    training_images: int
    validation_images: int
    redraws: bool = True
    leaked: str = ""
    metric: Metric = "accuracy"
    keep: Keep = "last"

    @property
    def images(self) -> int:
        """Images that any of the trials is judged by."""
        return self.validation_images + (self.training_images if self.redraws else 0)


class PlannedTrial(_Value):
    """One training run that a comparison asks for.

    Attributes:
        round: What it is for.
        seed: Fixes the initial weights and the order of the data, and in confirmation the validation images too.
    """

    round: Round
    optimizer: str
    loss: str
    batch_size: int
    learning_rate: float
    seed: int

    @property
    def split_seed(self) -> int:
        """Which validation images are drawn, if any are: tuning has those of seed 0, each confirm seed its own."""
        return self.seed if self.seed >= FIRST_CONFIRM_SEED else 0

"""From the parameters of a comparison to what `study` plans, and from what that plans to trainings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from itertools import product
from typing import Any

from flows.parameters.bounds import LARGEST
from flows.parameters.hyperparameters import (
    HYPERPARAMETERS,
    LOSS_OWNS,
    OWNED,
    TAKES_NO_SCHEDULE,
    owners_of,
)
from flows.parameters.question import Question
from flows.parameters.shared import SharedParameters
from flows.parameters.signature import validated
from flows.parameters.train import TrainParameters
from study.plan import ContenderPlan, Plan, PlannedTrial
from tasks.foundation.own_source import is_own

GRID_FACTOR = 10**0.5  # from one learning rate of a grid to the next
MOST_ADDED = 3  # learning rates on one side of those that were asked for

ALWAYS_SAID = ("momentum", "nesterov")  # of what only some optimizers have: even where it is none, or the default
# What all trials had when nobody recorded it yet: a trial is known by what it was known by then.
UNSAID: dict[str, Any] = {
    "threads": 1,
    "split_seed": 0,
    "keep_predictions": False,
    "classes": None,
    "fit": "stretch",
    "skip_broken": False,
    "keep_together": "exact",
    "augment": None,
    "metric": "accuracy",
    "class_weight": "none",
    "weights": None,
    "freeze": "none",
    "unfreeze_after": None,
    "fine_tune_factor": None,
    "optimizer_args": None,
    "loss_args": None,
    "clip_norm": None,
    "accumulate": 1,
    "precision": "float32",
    "keep": "last",
    "patience": None,
    "average": "none",
    "ema_momentum": None,
}


def plan_of(p: Question, examples: Mapping[Any, int], *, redraws: bool = True, leaked: str = "") -> Plan:
    """Return what was asked, with how many ``examples`` each split has.

    ``redraws`` says whether each confirm seed draws validation images of its own: not where the data came with them.
    ``leaked`` says how many images that judge equal one that is trained on.
    """
    return Plan(
        contenders=_contenders(p),
        **p.only("seeds", "margin", "target", "metric", "keep"),
        looks=p.looks or (),
        training_images=examples["train"],
        validation_images=examples["validation"],
        redraws=redraws,
        leaked=leaked,
    )


def fewest_and_most_trials(p: Question) -> tuple[int, int]:
    """Return how many trials a comparison takes if all is decided at the first look, and if nothing ever is."""
    contenders = _contenders(p)
    tuning = sum(len(one.learning_rates) for one in contenders) * p.seeds
    added = sum(MOST_ADDED for one in contenders if one.below or one.above) * p.seeds
    first, last = (p.looks[0], p.looks[-1]) if p.looks else (0, 0)
    return tuning + len(contenders) * first, tuning + added + len(contenders) * last


def training_of(p: Question, planned: PlannedTrial, *, redraws: bool = True) -> TrainParameters:
    """Return the training that a planned trial stands for; ``redraws`` as for `plan_of`."""
    given = {name: getattr(p, name) for name in SharedParameters.model_fields}
    for name in others_own(planned.optimizer, planned.loss):
        del given[name]
    given |= {f"{kind}_args": None for kind in ("optimizer", "loss") if not is_own(getattr(planned, kind))}
    confirms = {"split_seed": planned.split_seed if redraws else 0, "keep_predictions": planned.round == "confirm"}
    varied = planned.model_dump(include={"optimizer", "loss", "batch_size", "learning_rate", "seed"})
    return validated(TrainParameters, {**given, **varied, **confirms, "run_name": None, "test": False})


def others_own(optimizer: str, loss: str) -> list[str]:
    """Return the parameters that other optimizers or losses have, and not these."""
    return [
        *(name for name in OWNED if optimizer not in owners_of(name)),
        *(("schedule", "average", "ema_momentum") if optimizer in TAKES_NO_SCHEDULE else ()),
        *(name for name, owner in LOSS_OWNS.items() if loss != owner),
    ]


def one_of_each_setting(p: Question) -> list[PlannedTrial]:
    """Return the first trial of each setting: what one seed could do, all can."""
    return [one.trial("tune", rate, 0) for one in _contenders(p) for rate in one.learning_rates]


def digest_of(trial: TrainParameters, dataset_digest: str) -> str:
    """Return what tells a trial from all others: a digest of its parameters and of its data.

    In comparisons of older versions it was of the parameters alone, and ``dataset_digest`` is empty.
    """
    own = HYPERPARAMETERS.get(trial.optimizer, {})
    unsaid = UNSAID | {name: own.get(name) for name in OWNED if name not in ALWAYS_SAID}
    identity = {name: value for name, value in trial.recorded().items() if (name, value) not in unsaid.items()}
    identity |= {"dataset_digest": dataset_digest} if dataset_digest else {}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def rates_of(p: Question, optimizer: str) -> tuple[float, ...]:
    """Return the learning rates to try with an optimizer, ascending, rounded to one digit if they are a grid."""
    if p.learning_rates:
        return tuple(sorted(p.learning_rates))
    return tuple(_in_grid(p, optimizer, place) for place in range(p.grid_size))


def _contenders(p: Question) -> tuple[ContenderPlan, ...]:
    return tuple(
        ContenderPlan(
            optimizer=optimizer,
            loss=loss,
            batch_size=batch_size,
            learning_rates=rates_of(p, optimizer),
            below=_beyond(p, optimizer, -1),
            above=_beyond(p, optimizer, 1),
        )
        for optimizer, loss, batch_size in product(p.optimizers, p.losses, p.batch_sizes)
    )


def _beyond(p: Question, optimizer: str, side: int) -> tuple[float, ...]:
    """Return the rates that may be added below (-1) or above (1) those that were asked for, the nearest first.

    A grid goes on as it was made; rates that were given go on by the factor between the outermost two.
    """
    rates = rates_of(p, optimizer)
    if not p.extend or len(rates) == 1:
        return ()
    if not p.learning_rates:
        first = -1 if side < 0 else p.grid_size
        return tuple(_in_grid(p, optimizer, first + side * step) for step in range(MOST_ADDED))
    outermost, next_to_it = (rates[0], rates[1]) if side < 0 else (rates[-1], rates[-2])
    factor = outermost / next_to_it
    added = (float(f"{outermost * factor**step:.3g}") for step in range(1, MOST_ADDED + 1))
    return tuple(rate for rate in added if 0 < rate <= LARGEST)


def _in_grid(p: Question, optimizer: str, place: int) -> float:
    return float(f"{p.usual_rate(optimizer) * GRID_FACTOR ** (place - (p.grid_size - 1) / 2):.0e}")

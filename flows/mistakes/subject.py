"""Whose mistakes are looked at: a run's, or those of what a comparison recommends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flows.comparison.answer import chosen_runs
from flows.comparison.report_facts import compare_command
from flows.comparison.stored_study import PARAMETERS_TAG, find_trials, stored_parameters, stored_plan, study_dataset
from flows.comparison.stored_trials import read_trials
from flows.parameters.compare import CompareParameters
from flows.parameters.data import DataParameters
from flows.parameters.signature import as_typed
from flows.parameters.study_plan import others_own
from study.comparison import Contender
from study.number_formats import counted, percent
from study.statistics import compare_trials
from tasks.data.bound_dataset import BoundDataset
from tasks.foundation.commands import command
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import is_own
from tasks.tracking import mlflow_client
from tasks.tracking.stored_run import StoredRun, warn_if_deleted

COVERING_SEEDS, COVERING_FRACTION = 10, 0.3  # which leave one training image in 35 without a judge


@dataclass(frozen=True)
class Subject:
    """Whose mistakes are looked at.

    Attributes:
        run_id: The run, or the comparison.
        title: What the page is called.
        models: The runs of the models that judge.
        what: Who they are, in words.
        none_kept: What to do if they have kept no predictions.
        cover_more: How many images would have a judge after which command; none if nothing helps.
        prepare: The command that prepares its images again, if the data is what it was.
        dataset: The data that they belong to, as far as it is known.
    """

    run_id: str
    title: str
    models: tuple[str, ...]
    what: str
    none_kept: str
    cover_more: tuple[str, str] | None
    prepare: str
    dataset: BoundDataset | None


def subject_of(run_id: str) -> Subject:
    """Return whose mistakes those of a run or of a comparison are.

    Raises:
        InputError: there is no such run, or nothing of a comparison has completed.
    """
    run = mlflow_client.get_run(run_id)
    warn_if_deleted(run)
    return _of_study(run) if PARAMETERS_TAG in run.tags else _of_run(run)


def _of_run(run: StoredRun) -> Subject:
    return Subject(
        run_id=run.run_id,
        title=f"Mistakes of {run.name}",
        models=(run.run_id,),
        what=f"Run {run.run_id}.",
        none_kept=f"it {run.came_to_nothing}"
        if run.came_to_nothing
        else "train it again with --keep-predictions true, which is the default; of the trials of a comparison "
        "those that confirm keep them",
        cover_more=None,
        prepare=_preparing({name: _typed(value) for name, value in run.parameters.items()}),
        dataset=run.datasets[0] if run.datasets else None,
    )


def _of_study(run: StoredRun) -> Subject:
    p, plan = stored_parameters(run), stored_plan(run)
    comparison = compare_trials(plan, read_trials(find_trials(run.run_id)))
    models = tuple(chosen_runs(comparison))
    if not models:
        raise InputError(
            f"mistakes: no trial of what the comparison {run.run_id!r} would recommend has completed; go on with it: "
            f"{command('compare', '--resume', run.run_id)}"
        )
    taken = next(one for one in comparison.contenders if one.label == comparison.answer.take)
    looks = ",".join(map(str, p.looks or CompareParameters.model_fields["looks"].default))
    seeds = counted(len(models), "confirm seed" if taken.confirmed else "tuning seed")
    drawn = "each with validation images of its own" if plan.redraws else "all with the validation images of the data"
    return Subject(
        run_id=run.run_id,
        title=f"Mistakes of {taken.label} in {run.name}",
        models=models,
        what=f"{taken.label} with learning rate {taken.learning_rate:g}, which the comparison {run.run_id} recommends: "
        f"the models of {seeds}, {drawn}.",
        none_kept=f"the trials that confirm keep them: {command('compare', '--resume', run.run_id, '--looks', looks)}",
        cover_more=_covering(p, taken, len(models)) if plan.redraws else None,
        prepare=_preparing({name: as_typed(getattr(p, name)) for name in DataParameters.model_fields}),
        dataset=study_dataset(run.run_id),
    )


def _typed(recorded: str) -> str:
    """Return a parameter as a person types it, given how MLflow has it."""
    return recorded.lower() if recorded in ("None", "True", "False") else recorded.replace(", ", ",")


def _preparing(typed: Mapping[str, str]) -> str:
    """Return the command that prepares the data of parameters, as they are typed."""
    changed = {
        name: typed[name]
        for name, field in DataParameters.model_fields.items()
        if name != "dataset" and name in typed and typed[name] != as_typed(field.default)
    }
    words = [word for name, value in changed.items() for word in (f"--{name.replace('_', '-')}", value)]
    return command("inspect", typed.get("dataset", "DATASET"), *words)  # a run that others began says nothing of it


def _covering(p: CompareParameters, taken: Contender, models: int) -> tuple[str, str] | None:
    """Return which comparison judges nearly all images: of what is recommended alone, with larger validation splits.

    None where so many models have left as few images without a judge.
    """
    fraction = max(p.validation_fraction, COVERING_FRACTION)
    unjudged = (1 - fraction) ** COVERING_SEEDS
    if (1 - p.validation_fraction) ** models <= unjudged:
        return None
    usual = CompareParameters.model_fields
    foreign = [*others_own(taken.optimizer, taken.loss), "usual_rates"]
    foreign += [f"{kind}_args" for kind in ("optimizer", "loss") if not is_own(getattr(taken, kind))]
    alone = {
        **{name: usual[name].default for name in foreign},
        "optimizers": (taken.optimizer,),
        "losses": (taken.loss,),
        "batch_sizes": (taken.batch_size,),
        "learning_rates": (taken.learning_rate,),
        "seeds": 1,
        "looks": (COVERING_SEEDS,),
        "validation_fraction": fraction,
    }
    more = p.model_copy(update=alone)
    judged = percent(round(1 - unjudged, 2))
    return f"About {judged} of the training images have a judge after this comparison:", compare_command(more)

"""One trial of a comparison: a training run on a worker of a Dask cluster."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import keras

from flows.comparison.calibration import measure_training_time
from flows.comparison.stored_study import find_trials, require_weights_of_study, study_dataset, trial_digest
from flows.comparison.training_time import TrainingTime
from flows.lifecycle.flow_run import run_claimed
from flows.lifecycle.reconcile import settle
from flows.parameters.train import TrainParameters
from flows.train import train
from study.plan import Round
from study.short_names import short_name
from tasks.building.own_code import own_sources, write_copy
from tasks.data.prepared import PreparedDataset
from tasks.evaluate import evaluate_model
from tasks.foundation.errors import InputError, portable_errors
from tasks.foundation.log import task_log
from tasks.model import compile_model
from tasks.tracking import mlflow_client, mlflow_models
from tasks.tracking.claim import HeldError, claim
from tasks.tracking.run import resumable
from tasks.tracking.stored_run import STUDY_TAG, TRIAL_TAG, StoredRun
from tasks.training.device import select_device


@portable_errors
def train_trial(parameters: TrainParameters, study: str, round_: Round, parent_task_run_id: UUID | None = None) -> None:
    """Train, unless that is done, and record it as a trial of the run ``study``."""
    tags = tags_of(parameters, study, round_)
    require_weights_of_study(study, parameters.weights)
    try:
        attempts = find_trials(study, parameters)
        if any(attempt.status == "FINISHED" for attempt in attempts):
            return
        if any(_goes_on(attempt, parameters, study, tags, parent_task_run_id) for attempt in attempts):
            return
        with claim() as claimed:
            claimed.tags, claimed.dataset = tags, study_dataset(study)
            run_claimed(train, parameters.model_dump(), claimed, parent_task_run_id=parent_task_run_id)
    finally:
        keras.utils.clear_session()


def _goes_on(
    attempt: StoredRun, parameters: TrainParameters, study: str, tags: dict[str, str], parent: UUID | None
) -> bool:
    """Go on with an attempt that did not finish; return whether its trial is done then."""
    try:
        directory, _ = resumable(attempt.run_id)
        settle(directory)  # what its process has left open in Prefect, and unsent
        if mlflow_client.get_run(attempt.run_id).status == "FINISHED":
            return True
        with claim(directory) as claimed:
            claimed.tags, claimed.dataset = tags, study_dataset(study)
            given = parameters.model_copy(update={"resume": attempt.run_id}).model_dump()
            run_claimed(train, given, claimed, parent_task_run_id=parent)
    except (HeldError, InputError) as error:  # it goes on elsewhere, or its files are on another machine
        task_log().info("Trial %s starts anew: %s", parameters.display_name(), error)
        return False
    return True


@portable_errors
def evaluate_trial(run_id: str, parameters: TrainParameters, prepared: PreparedDataset) -> None:
    """Evaluate the model that a trial has stored on the test split, and record that in the trial's run."""
    device = select_device(parameters.device)
    with TemporaryDirectory() as name:
        model = compiled_model(run_id, parameters, prepared, Path(name), device=device)
        evaluate_model.fn(model, prepared, run_id, **parameters.only("keep_predictions"), device=device)


def compiled_model(
    run_id: str, parameters: TrainParameters, prepared: PreparedDataset, directory: Path, *, device: str
) -> Path:
    """Return the model that a run has stored, which is without its loss, fetched into a directory and compiled again.

    Raises:
        InputError: it has none, or the code of a person's own that it needs is gone.
    """
    write_copy(own_sources(parameters.named(), run_id), directory)
    stored = mlflow_models.download_model(run_id, directory)
    return compile_model.fn(stored, directory, **_recipe(parameters, prepared), device=device)


@portable_errors
def calibrate(parameters: TrainParameters, prepared: PreparedDataset, study: str | None) -> TrainingTime:
    """Return what a training takes here, as a trial of a comparison, if that has begun."""
    return measure_training_time(
        prepared,
        **parameters.only("model", "batch_size", "augment", "class_weight"),
        device=select_device(parameters.device, parameters.precision),
        recipe=_recipe(parameters, prepared),
        sources=own_sources(parameters.named(), study),
    )


def _recipe(parameters: TrainParameters, prepared: PreparedDataset) -> dict[str, Any]:
    steps = prepared.steps_per_epoch(parameters.batch_size, parameters.repeat)
    return {**parameters.recipe(), "steps_per_epoch": steps}


def tags_of(parameters: TrainParameters, study: str, round_: Round) -> dict[str, str]:
    """Return the tags that make a run a trial of a study, and by which MLflow groups and filters it.

    MLflow's own tag for a parent is not among them: its table then shows the study, with its trials folded away,
    wherever one filters for these.
    """
    varied = parameters.only("optimizer", "learning_rate", "loss", "batch_size", "seed")
    return {
        STUDY_TAG: study,
        "round": round_,
        "setting": setting_of(parameters),
        TRIAL_TAG: trial_digest(study, parameters),
        **{name: short_name(str(value)) for name, value in varied.items()},
    }


def setting_of(parameters: TrainParameters) -> str:
    """Return what trials that differ in their seeds alone have in common, as a name to group them by."""
    usual = {name: TrainParameters.model_fields[name].default for name in ("loss", "batch_size")}
    others = [
        f"{name}={short_name(str(value))}" for name, value in parameters.only(*usual).items() if value != usual[name]
    ]
    return " ".join([short_name(parameters.optimizer), f"{parameters.learning_rate:g}", *others])

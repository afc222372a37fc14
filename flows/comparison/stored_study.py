"""A comparison as the store has it: what was asked, the data it belongs to, and its trials."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from flows.lifecycle.resume import recorded_dataset
from flows.parameters.compare import CompareParameters
from flows.parameters.study_plan import digest_of, plan_of
from flows.parameters.train import TrainParameters
from study.plan import Plan
from tasks.building.weights_source import require_same_weights, weights_identity
from tasks.data.bound_dataset import BoundDataset
from tasks.data.leaks import LEAKED_TAG, caution_tags
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client
from tasks.tracking.stored_run import STUDY_TAG, TRIAL_TAG, StoredRun

PARAMETERS_TAG, EXAMPLES_TAG, STUDY_DATASET_TAG = "compare.parameters", "compare.examples", "compare.dataset"
GIVEN_SPLITS_TAG = "compare.given_splits"  # those that the data came with; of older versions not said
METRIC_TAG = "compare.metric"
WEIGHTS_TAG = "compare.began_with"  # `weights_identity` of the weights that all its trials begin with, if any
LONGEST_TAG = 5000
CONCLUDED = "completed"  # the outcome of a comparison whose answer lacks no trial
# Which of its parameters a study shows, each as a tag: as parameters they would be axes between those of its trials.
SHOWN = (
    *("epochs", "optimizers", "learning_rates", "grid_size", "extend", "losses", "batch_sizes", "seeds", "looks"),
    *("margin", "target", "metric"),
)
# Comparisons of older versions had no rounds: they are what they are, tuned and not confirmed.
WITHOUT_ROUNDS = {"extend": False, "looks": None}


def study_tags(parameters: CompareParameters, prepared: PreparedDataset) -> dict[str, str]:
    """Return the tags from which a comparison is gone on with and reported: MLflow keeps parameters as text only.

    What a comparison is bound to is said once, when it begins: one of an older version goes on without.
    """
    shown = {f"compare.{name}": _as_text(value) for name, value in parameters.only(*SHOWN).items() if value is not None}
    tags = {PARAMETERS_TAG: json.dumps(parameters.recorded()), EXAMPLES_TAG: json.dumps(prepared.examples), **shown}
    tags |= {GIVEN_SPLITS_TAG: ", ".join(prepared.given_splits), **caution_tags(prepared)}
    bound = BoundDataset.of(prepared)
    said = bound.model_dump_json()
    if len(said) > LONGEST_TAG:  # of thousands of classes
        said = bound.model_copy(update={"classes": {}}).model_dump_json()
    if parameters.resume:
        return tags
    weights = weights_identity(parameters.weights)
    return {**tags, STUDY_DATASET_TAG: said, **({WEIGHTS_TAG: weights} if weights else {})}


def study_dataset(study: str) -> BoundDataset | None:
    """Return the data that a comparison belongs to. Raises InputError if there is no such comparison."""
    run = open_study(study)
    said = run.tags.get(STUDY_DATASET_TAG)
    return BoundDataset.model_validate_json(said) if said else recorded_dataset(run)


def require_weights_of_study(study: str, weights: str | None) -> None:
    """Raise InputError for weights that are not those with which the trials of a comparison have begun so far."""
    if weights:
        begun_with = mlflow_client.get_run(study).tags.get(WEIGHTS_TAG, "")  # older versions did not say
        require_same_weights(weights, begun_with, f"the comparison {study}")


def trial_digest(study: str, trial: TrainParameters) -> str:
    """Return what tells a trial of a comparison from all others, of this comparison and of those on other data."""
    return digest_of(trial, _identifying_dataset(study))


@cache  # a comparison is bound to its data for good
def _identifying_dataset(study: str) -> str:
    """Return the digest of a comparison's data, which its trials are known by; of older versions empty."""
    said = mlflow_client.get_run(study).tags.get(STUDY_DATASET_TAG)
    return BoundDataset.model_validate_json(said).digest if said else ""


def _as_text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def open_study(study: str) -> StoredRun:
    """Return the run of a comparison. Raises InputError if it is none."""
    run = mlflow_client.get_run(study)
    if PARAMETERS_TAG not in run.tags:
        parent = run.tags.get(STUDY_TAG)
        hint = f"it is a trial of {parent}" if parent else "name the run that `compare` printed"
        raise InputError(f"resume: run {study!r} is not a comparison; {hint}")
    return run


def stored_values(run: StoredRun) -> dict[str, Any]:
    """Return the parameters that a comparison was started with, or has grown to."""
    stored: dict[str, Any] = json.loads(run.tags[PARAMETERS_TAG])
    return stored if "looks" in stored else {**stored, **WITHOUT_ROUNDS}


def stored_parameters(run: StoredRun) -> CompareParameters:
    """Return these parameters."""
    return CompareParameters(**stored_values(run))


def stored_plan(run: StoredRun) -> Plan:
    """Return what was asked of a comparison."""
    redraws = "validation" not in run.tags.get(GIVEN_SPLITS_TAG, "").split(", ")
    examples, leaked = json.loads(run.tags[EXAMPLES_TAG]), run.tags.get(LEAKED_TAG, "")
    return plan_of(stored_parameters(run), examples, redraws=redraws, leaked=leaked)


def study_directory(study: str) -> Path:
    """Return where the process that runs a comparison keeps its files. Raises InputError if it is none."""
    directory = open_study(study).directory
    if directory is None or not directory.parent.is_dir():
        raise InputError(f"resume: the comparison {study!r} was run in {str(directory)!r}, which is not here")
    return directory


def find_trials(study: str, trial: TrainParameters | None = None) -> list[StoredRun]:
    """Return the runs of a study's trials; of one trial, if it is given."""
    one = f" and tags.{TRIAL_TAG} = '{trial_digest(study, trial)}'" if trial else ""
    return mlflow_client.find_runs(f"tags.{STUDY_TAG} = '{study}'{one}")

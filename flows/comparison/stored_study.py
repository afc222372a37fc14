"""A comparison as the store has it: its parameters, its trials, and what is still missing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from flows.lifecycle.resume import as_stored, recorded_dataset
from flows.parameters.compare import NOT_RECORDED, CompareParameters, digest_of
from flows.parameters.train import TrainParameters
from study.comparison import Trial
from tasks.data.bound_dataset import BoundDataset
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError
from tasks.foundation.log import task_log
from tasks.tracking import mlflow_client
from tasks.tracking.stored_run import STUDY_TAG, TRIAL_TAG, StoredRun

PARAMETERS_TAG, EXAMPLES_TAG, STUDY_DATASET_TAG = "compare.parameters", "compare.examples", "compare.dataset"
LONGEST_TAG = 5000
CONCLUDED = "completed"  # the outcome of a comparison whose answer lacks no trial
# Which of its parameters a study shows, each as a tag: as parameters they would be axes between those of its trials.
SHOWN = ("epochs", "optimizers", "learning_rates", "grid_size", "losses", "batch_sizes", "seeds", "target")
HISTORIES = ("train/loss", "validation/accuracy", "epoch_seconds")


def study_tags(parameters: CompareParameters, prepared: PreparedDataset) -> dict[str, str]:
    """Return the tags from which a comparison is gone on with and reported: MLflow keeps parameters as text only.

    What a comparison is bound to is said once, when it begins: one of an older version goes on without.
    """
    shown = {f"compare.{name}": _as_text(value) for name, value in parameters.only(*SHOWN).items() if value is not None}
    tags = {PARAMETERS_TAG: json.dumps(parameters.recorded()), EXAMPLES_TAG: json.dumps(prepared.examples), **shown}
    bound = BoundDataset.of(prepared)
    said = bound.model_dump_json()
    if len(said) > LONGEST_TAG:  # of thousands of classes
        said = bound.model_copy(update={"classes": {}}).model_dump_json()
    return tags if parameters.resume else {**tags, STUDY_DATASET_TAG: said}


def study_dataset(study: str) -> BoundDataset | None:
    """Return the data that a comparison belongs to. Raises InputError if there is no such comparison."""
    run = open_study(study)
    said = run.tags.get(STUDY_DATASET_TAG)
    return BoundDataset.model_validate_json(said) if said else recorded_dataset(run)


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


def stored_parameters(run: StoredRun) -> CompareParameters:
    """Return what a comparison was started with."""
    return CompareParameters(**json.loads(run.tags[PARAMETERS_TAG]))


def resumed_study(given: Mapping[str, Any]) -> CompareParameters:
    """Return the parameters of the comparison ``given["resume"]``, with the workers that are given now.

    Raises:
        InputError: it is no comparison, or was made with other values than the rest of ``given``.
    """
    study = str(given["resume"])
    stored = json.loads(open_study(study).tags[PARAMETERS_TAG])
    return as_stored(CompareParameters, study, stored, given, may_differ=NOT_RECORDED)


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


def missing_trials(parameters: CompareParameters, study: str) -> list[TrainParameters]:
    """Return the trials of a comparison that none of its runs has finished."""
    finished = {run.tags[TRIAL_TAG] for run in find_trials(study) if run.status == "FINISHED"}
    return [trial for trial in parameters.trials() if trial_digest(study, trial) not in finished]


def read_trials(runs: Iterable[StoredRun]) -> list[Trial]:
    """Return what the trials came to. Those that were interrupted, or go on, are left out: they came to nothing yet."""
    ended = _on_one_dataset([run for run in runs if run.status in ("FINISHED", "FAILED")])
    # Of a trial that was started anew after it failed, the run that finished counts.
    by_trial = {run.tags[TRIAL_TAG]: run for run in sorted(ended, key=lambda run: run.status == "FINISHED")}
    return [_read_trial(run) for run in by_trial.values()]


def _on_one_dataset(runs: list[StoredRun]) -> list[StoredRun]:
    """Return the runs on the data that most of them have trained on, should older versions have let them differ."""
    digests = Counter(digest for run in runs if (digest := _digest_of_data(run)))
    if len(digests) <= 1:
        return runs
    (most, _), *others = digests.most_common()
    task_log().warning(
        "%d trials of this comparison trained on other data (digests %s) than most (%s), and are left out.",
        *(sum(count for _, count in others), ", ".join(digest for digest, _ in others), most),
    )
    return [run for run in runs if _digest_of_data(run) in (most, "")]


def _digest_of_data(run: StoredRun) -> str:
    return run.datasets[0].digest if run.datasets else ""


def _read_trial(run: StoredRun) -> Trial:
    histories = {name.replace("/", "_"): mlflow_client.metric_history(run.run_id, name) for name in HISTORIES}
    given = run.parameters
    return Trial(
        run_id=run.run_id,
        optimizer=given["optimizer"],
        loss=given["loss"],
        batch_size=int(given["batch_size"]),
        learning_rate=float(given["learning_rate"]),
        seed=int(given["seed"]),
        outcome=run.tags["outcome"] if run.status == "FINISHED" else "failed",  # type: ignore[arg-type]  # validated
        reason=run.tags.get("reason", ""),
        steps_per_epoch=int(run.tags["steps_per_epoch"]),
        **histories,
    )

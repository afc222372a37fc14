"""Comparisons that have begun, and nothing more."""

from __future__ import annotations

from flows.comparison.stored_study import STUDY_DATASET_TAG, study_tags
from flows.parameters.compare import CompareParameters
from tasks.data.prepared import PreparedDataset
from tasks.tracking import mlflow_client, record
from tasks.tracking.claim import claim
from tasks.tracking.run import tracked_run


def begun(p: CompareParameters, prepared: PreparedDataset, *, older: bool = False) -> str:
    """Record a comparison; one of an older version says of its data only what it records as its input."""
    with claim() as claimed:
        tags = study_tags(p, prepared)
        if older:
            del tags[STUDY_DATASET_TAG]
        experiment_id = mlflow_client.open_experiment("tests")
        with tracked_run(claimed, experiment_id, "a study", p.recorded(), tags) as run:
            record.log_dataset(run.run_id, prepared)
            return run.run_id

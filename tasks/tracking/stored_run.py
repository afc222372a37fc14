"""A run as the store has it, and the tags by which it is found and gone on with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.data.bound_dataset import BoundDataset
from tasks.foundation.commands import command

# Which process runs it where; which flow it is of; and of which comparison it is which trial.
HOST_TAG, PROCESS_TAG, DIRECTORY_TAG = "run.host", "run.process", "run.directory"
FLOW_TAG, STUDY_TAG, TRIAL_TAG = "run.flow", "study", "trial"
# What the store refused of its record, which is kept in its directory; where its model is, if that is no logged model.
MISSING_TAG, MODEL_TAG = "record.missing", "record.model"
RECOMMENDED_TAG = (
    "compare.recommended_run"  # the first run of what a comparison recommends, whose model others begin with
)
DATASET_TAG = "dataset.digest"  # of the data that it is bound to; runs of older versions have their inputs only


@dataclass(frozen=True)
class StoredRun:
    """A run as MLflow has it.

    Attributes:
        datasets: Its inputs, as far as this pipeline recorded them.
        started: When, in milliseconds since 1970.
    """

    run_id: str
    experiment_id: str
    name: str
    status: str
    tags: dict[str, str]
    parameters: dict[str, str]
    metrics: dict[str, float]
    datasets: tuple[BoundDataset, ...] = ()
    started: int = 0

    @classmethod
    def of(cls, run: Any) -> StoredRun:
        """Return what is used of one of MLflow's own runs."""
        info, data = run.info, run.data
        inputs = [each.dataset for each in run.inputs.dataset_inputs] if run.inputs else []
        datasets = tuple(_bound_dataset(each) for each in inputs if each.source_type == "prepared")
        return cls(
            *(info.run_id, info.experiment_id, info.run_name, info.status, data.tags, data.params, data.metrics),
            datasets,
            info.start_time or 0,
        )

    @property
    def directory(self) -> Path | None:
        """Where its files are, on its host; none if it was not made by this pipeline."""
        return Path(self.tags[DIRECTORY_TAG]) if DIRECTORY_TAG in self.tags else None

    def tested(self, metric: str = "accuracy") -> float | None:
        """Return a metric on the test split; none if that was not asked. Older runs have it under another name."""
        return self.metrics.get(f"test_{metric}", self.metrics.get(f"test/{metric}"))


def _bound_dataset(dataset: Any) -> BoundDataset:
    """Return what an input of a run says of its data: `record.log_dataset` wrote it."""
    source = json.loads(dataset.source)
    return BoundDataset(
        digest=dataset.digest,
        name=dataset.name,
        location=source["location"],
        directory=source["directory"],
        examples=json.loads(dataset.profile),
    )


def resume_command(run_id: str, tags: Mapping[str, str]) -> str:
    """Return the command that goes on with a run that has these tags; with its comparison, if it is a trial."""
    study = tags.get(STUDY_TAG)
    return command("compare" if study else tags.get(FLOW_TAG, "train"), "--resume", study or run_id)

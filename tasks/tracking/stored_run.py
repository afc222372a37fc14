"""A run as the store has it, and the tags by which it is found and gone on with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.data.bound_dataset import SHOWN_DIGITS, BoundDataset
from tasks.foundation.commands import command
from tasks.foundation.errors import InputError
from tasks.foundation.log import task_log

# Which process runs it where; which flow it is of; and of which comparison it is which trial.
HOST_TAG, PROCESS_TAG, DIRECTORY_TAG = "run.host", "run.process", "run.directory"
FLOW_TAG, STUDY_TAG, TRIAL_TAG = "run.flow", "study", "trial"
# What the store refused of its record, which is kept in its directory; where its model is, if that is no logged model.
MISSING_TAG, MODEL_TAG = "record.missing", "record.model"
RECOMMENDED_TAG = (
    "compare.recommended_run"  # the first run of what a comparison recommends, whose model others begin with
)
DATASET_TAG = "dataset.digest"  # of the data that it is bound to; runs of older versions have their inputs only
# How a run ended that did not come to its end, by its status.
BROKEN_OFF = {"FAILED": "failed", "KILLED": "was interrupted"}


@dataclass(frozen=True)
class StoredRun:
    """A run as MLflow has it.

    Attributes:
        datasets: Its inputs, as far as this pipeline recorded them.
        started: When, in milliseconds since 1970.
        features: Of its data, as `record.log_dataset` wrote them; empty if it is of none.
        deleted: Whether somebody has deleted it: MLflow keeps it until ``mlflow gc``.
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
    features: str = ""
    deleted: bool = False

    @classmethod
    def of(cls, run: Any) -> StoredRun:
        """Return what is used of one of MLflow's own runs."""
        info, data = run.info, run.data
        inputs = [each.dataset for each in run.inputs.dataset_inputs] if run.inputs else []
        ours = [each for each in inputs if each.source_type == "prepared"]
        return cls(
            *(info.run_id, info.experiment_id, info.run_name, info.status, data.tags, data.params, data.metrics),
            tuple(map(_bound_dataset, ours)),
            info.start_time or 0,
            ours[0].schema or "" if ours else "",
            info.lifecycle_stage == "deleted",
        )

    @property
    def directory(self) -> Path | None:
        """Where its files are, on its host; none if it was not made by this pipeline."""
        return Path(self.tags[DIRECTORY_TAG]) if DIRECTORY_TAG in self.tags else None

    @property
    def came_to_nothing(self) -> str:
        """Why it has neither model nor predictions, in words, and what to do; empty if it came to its end."""
        why = f" ({self.tags['reason']})" if "reason" in self.tags else ""
        if self.tags.get("outcome") == "diverged":
            return f"diverged{why}; name another run"
        if self.status == "RUNNING":
            return "has not ended yet; wait until it has"
        if self.status in BROKEN_OFF:
            return f"{BROKEN_OFF[self.status]}{why}; go on with it: {resume_command(self.run_id, self.tags)}"
        return ""

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(height, width, channels) of the images of its data; empty if it is of none, or did not record it."""
        return tuple(map(int, re.findall(r"\d+", self._feature("image", "").partition("(")[2])))

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes of its data, by label; empty likewise."""
        return tuple(self._feature("classes", ()))

    def _feature(self, name: str, missing: Any) -> Any:
        return json.loads(self.features).get(name, missing) if self.features else missing

    @property
    def short_digest(self) -> str:
        """The first digits of what tells its data from all other, as MLflow shows them; empty if it is of no data."""
        recorded = self.datasets[0].digest if self.datasets else ""
        return self.tags.get(DATASET_TAG, recorded)[:SHOWN_DIGITS]

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


def warn_if_deleted(run: StoredRun) -> None:
    """Tell in the log that what is used of a run may be gone tomorrow."""
    if run.deleted:
        task_log().warning(
            "Run %s is deleted in MLflow: `mlflow gc` will remove its model and its predictions; `mlflow runs restore "
            "--run-id %s` keeps it.",
            run.run_id,
            run.run_id,
        )


def require_not_deleted(run: StoredRun) -> None:
    """Raise InputError for a run on which nothing can be recorded any more."""
    if run.deleted:
        raise InputError(
            f"run: run {run.run_id} is deleted in MLflow and takes no record of what is asked of it; give it back with "
            f"`mlflow runs restore --run-id {run.run_id}`, or name another"
        )


def resume_command(run_id: str, tags: Mapping[str, str]) -> str:
    """Return the command that goes on with a run that has these tags; with its comparison, if it is a trial."""
    study = tags.get(STUDY_TAG)
    return command("compare" if study else tags.get(FLOW_TAG, "train"), "--resume", study or run_id)

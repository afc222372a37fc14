"""A run as the store has it, and the tags by which it is found and gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.foundation.commands import command

# Which process runs it where; which flow it is of; and of which comparison it is which trial.
HOST_TAG, PROCESS_TAG, DIRECTORY_TAG = "run.host", "run.process", "run.directory"
FLOW_TAG, STUDY_TAG, TRIAL_TAG = "run.flow", "study", "trial"


@dataclass(frozen=True)
class StoredRun:
    """A run as MLflow has it."""

    run_id: str
    experiment_id: str
    name: str
    status: str
    tags: dict[str, str]
    parameters: dict[str, str]
    metrics: dict[str, float]

    @classmethod
    def of(cls, run: Any) -> StoredRun:
        """Return what is used of one of MLflow's own runs."""
        info, data = run.info, run.data
        return cls(info.run_id, info.experiment_id, info.run_name, info.status, data.tags, data.params, data.metrics)

    @property
    def directory(self) -> Path | None:
        """Where its files are, on its host; none if it was not made by this pipeline."""
        return Path(self.tags[DIRECTORY_TAG]) if DIRECTORY_TAG in self.tags else None

    @property
    def test_accuracy(self) -> float | None:
        """On the test split; none if that was not asked. Older runs have it under another name."""
        return self.metrics.get("test_accuracy", self.metrics.get("test/accuracy"))


def resume_command(run_id: str, tags: Mapping[str, str]) -> str:
    """Return the command that goes on with a run that has these tags; with its comparison, if it is a trial."""
    study = tags.get(STUDY_TAG)
    return command("compare" if study else tags.get(FLOW_TAG, "train"), "--resume", study or run_id)

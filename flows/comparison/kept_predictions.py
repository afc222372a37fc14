"""What trials have kept of their predictions, read back from the store."""

from __future__ import annotations

from functools import cache

import numpy as np

from study.metric import Metric
from study.validation_outcome import ValidationOutcome, outcome_of
from tasks.foundation.log import task_log
from tasks.tracking import mlflow_files
from tasks.tracking.kept_predictions import PREDICTIONS_FILE, KeptPredictions, unpacked


def kept_predictions(run_id: str, file: str = PREDICTIONS_FILE) -> KeptPredictions | None:
    """Return what a run said of its validation images; none if it has not kept that, or the file is damaged.

    ``file`` names that of its test images instead.
    """
    content = mlflow_files.read_file(run_id, file)
    if content is None:
        return None
    try:
        return unpacked(content)
    except ValueError as damage:
        task_log().warning("The file %s of run %s is not used: %s.", file, run_id, damage)
        return None


@cache  # a run that has ended does not change; probabilities of many trials and classes would fill the memory
def validation_outcome(run_id: str, metric: Metric) -> ValidationOutcome | None:
    """Return how a run that has ended did on each validation image; none if it has kept no predictions."""
    kept = kept_predictions(run_id)
    return outcome_of(metric, kept.example.astype(np.int64), kept.label, kept.predicted) if kept else None

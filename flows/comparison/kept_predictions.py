"""What trials have kept of their predictions, read back from the store."""

from __future__ import annotations

from functools import cache

import numpy as np

from study.validation_outcome import ValidationOutcome
from tasks.foundation.log import task_log
from tasks.tracking import mlflow_client
from tasks.tracking.kept_predictions import PREDICTIONS_FILE, KeptPredictions, unpacked


def kept_predictions(run_id: str) -> KeptPredictions | None:
    """Return what a run said of its validation images; none if it has not kept that, or the file is damaged."""
    content = mlflow_client.read_file(run_id, PREDICTIONS_FILE)
    if content is None:
        return None
    try:
        return unpacked(content)
    except ValueError as damage:
        task_log().warning("The file %s of run %s is not used: %s.", PREDICTIONS_FILE, run_id, damage)
        return None


@cache  # a run that has ended does not change; probabilities of many trials and classes would fill the memory
def validation_outcome(run_id: str) -> ValidationOutcome | None:
    """Return which validation images a run that has ended got right; none if it has kept no predictions."""
    kept = kept_predictions(run_id)
    return ValidationOutcome(kept.example.astype(np.int64), kept.right) if kept else None

"""Keep what the fitted model says of each validation image."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from prefect import task

from models.steps import make_evaluate_step, score
from tasks.data.prepared import PreparedDataset, open_split
from tasks.foundation.crash_points import crash_point
from tasks.tracking import record
from tasks.tracking.kept_predictions import PREDICTIONS_FILE, predictions_of


@task
def predict_validation(fitted: Path, prepared: PreparedDataset, run_id: str, *, device: str) -> None:
    """Keep the predictions for the validation split, which is not empty, in the run, as `KeptPredictions` says.

    ``fitted`` has the weights of the last epoch, and is asked in the blocks of that epoch's validation: so the share of
    right ones is the ``validation/accuracy`` that was recorded then, whatever was killed in between.
    """
    with tf.device(f"{device}:0"):
        model = keras.models.load_model(fitted)
        said = score(make_evaluate_step(model), open_split(prepared, "validation"), partial(_probabilities, model))
    kept = predictions_of(prepared.indices("validation"), said.labels, said.predicted, said.kept)
    crash_point("predicted")
    record.log_content(run_id, kept.packed(), PREDICTIONS_FILE)


def _probabilities(model: keras.Model, logits: Any) -> np.ndarray:
    return np.asarray(model.loss.probabilities(logits))

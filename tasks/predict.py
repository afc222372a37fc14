"""Keep what the fitted model says of each validation image."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from prefect import task

from models.steps import make_predict_step
from tasks.data.blocks import open_split
from tasks.data.prepared import PreparedDataset
from tasks.foundation.crash_points import crash_point
from tasks.tracking import record
from tasks.tracking.kept_predictions import PREDICTIONS_FILE, predictions_of


@task
def predict_validation(fitted: Path, prepared: PreparedDataset, run_id: str, *, device: str) -> None:
    """Keep the predictions for the validation split, which is not empty, in the run, as `KeptPredictions` says.

    ``fitted`` has the weights of the last epoch, and is asked in the blocks of that epoch's validation: so the share of
    right ones is the ``validation/accuracy`` that was recorded then, whatever was killed in between.
    """
    labels, predicted, probabilities = [], [], []
    with tf.device(f"{device}:0"):
        model = keras.models.load_model(fitted)
        predict_step = make_predict_step(model)
        for images, block_labels in open_split(prepared, "validation"):
            block_predicted, logits = predict_step(images)
            labels.append(block_labels)
            predicted.append(np.asarray(block_predicted))
            probabilities.append(np.asarray(model.loss.probabilities(logits)))
    kept = predictions_of(
        prepared.indices("validation"), *(np.concatenate(parts) for parts in (labels, predicted, probabilities))
    )
    crash_point("predicted")
    record.log_content(run_id, kept.packed(), PREDICTIONS_FILE)

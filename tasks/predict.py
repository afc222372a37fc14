"""Keep what the fitted model says of each validation image."""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf
from prefect import task

from models.steps import make_evaluate_step, score
from tasks.building.own_objects import own_objects
from tasks.data.blocks import open_split
from tasks.data.prepared import PreparedDataset
from tasks.foundation.crash_points import crash_point
from tasks.report.class_table import CLASS_FILES, ClassRow, class_csv, class_rows
from tasks.tracking import record
from tasks.tracking.kept_predictions import PREDICTIONS_FILE, predictions_of, small_probabilities


@task
def predict_validation(fitted: Path, prepared: PreparedDataset, run_id: str, *, device: str) -> tuple[ClassRow, ...]:
    """Keep the predictions for the validation split, which is not empty, in the run, as `KeptPredictions` says.

    ``fitted`` has the weights with which the epoch that is kept was validated, and is asked in the same blocks: so the
    share of right ones is the ``validation/accuracy`` that was recorded then, whatever was killed in between.

    Returns:
        How well each class is told from the others, which is recorded too.
    """
    with tf.device(f"{device}:0"), own_objects(fitted.parent):
        model = keras.models.load_model(fitted)
        blocks = open_split(prepared, "validation")
        said = score(make_evaluate_step(model), blocks, small_probabilities(model.loss))
    names = prepared.names("validation")
    kept = predictions_of(prepared.indices("validation"), said.labels, said.predicted, said.kept, names)
    crash_point("predicted")
    record.log_content(run_id, kept.packed(), PREDICTIONS_FILE)
    rows = class_rows(said.by_class(), prepared.classes)
    record.log_text(run_id, class_csv(rows), CLASS_FILES["validation"])
    return rows

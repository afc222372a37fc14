"""Evaluate the fitted model on the test split: once, at the end."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import keras
import tensorflow as tf
from prefect import task

from models.steps import make_evaluate_step, score
from tasks.data.prepared import PreparedDataset, open_split
from tasks.foundation.crash_points import crash_point
from tasks.report.run_figures import confusion_matrix_files
from tasks.tracking import record


@task
def evaluate_model(fitted: Path, prepared: PreparedDataset, run_id: str, *, device: str) -> dict[str, float]:
    """Return ``test/loss``, ``test/accuracy`` and the other measures, recorded in the run with a confusion matrix.

    In the run they are ``test_loss`` and so on: MLflow shows metrics in the order of what comes before a slash, without
    any last, and a run's curves are to come before its single values.
    """
    with tf.device(f"{device}:0"):
        tested = score(make_evaluate_step(keras.models.load_model(fitted)), open_split(prepared, "test"))
    crash_point("evaluated")
    metrics = {"test/loss": tested.loss, **{f"test/{name}": value for name, value in tested.measures().items()}}
    record.log_metrics(run_id, {name.replace("/", "_"): value for name, value in metrics.items()})
    draw = partial(confusion_matrix_files, tested.labels, tested.predicted, prepared.classes)
    record.log_pictures(run_id, draw, "The confusion matrix")
    return metrics

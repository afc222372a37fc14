"""Evaluate the fitted model on the test split: once, at the end."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import keras
import tensorflow as tf
from prefect import task
from pydantic import BaseModel, ConfigDict

from models.steps import Score, make_evaluate_step, score
from tasks.building.own_objects import own_objects
from tasks.data.blocks import open_split
from tasks.data.prepared import PreparedDataset
from tasks.foundation.crash_points import crash_point
from tasks.report.class_table import CLASS_FILES, CONFUSION_FILE, ClassRow, class_csv, class_rows, confusion_csv
from tasks.report.run_figures import confusion_matrix_files
from tasks.tracking import record
from tasks.tracking.kept_predictions import (
    TEST_PREDICTIONS_FILE,
    KeptPredictions,
    predictions_of,
    small_probabilities,
)


class Evaluation(BaseModel):
    """What the test split says of a model; nothing where it was not asked.

    Attributes:
        metrics: ``test/loss``, ``test/accuracy`` and the other measures.
        classes: How well each class is told from the others, by label.
    """

    model_config = ConfigDict(frozen=True)

    metrics: dict[str, float] = {}
    classes: tuple[ClassRow, ...] = ()


@task
def evaluate_model(
    fitted: Path, prepared: PreparedDataset, run_id: str, *, keep_predictions: bool, device: str
) -> Evaluation:
    """Return what the test split says, recorded in the run with the confusion matrix; keep the predictions, if wanted.

    In the run the metrics are ``test_loss`` and so on: MLflow shows metrics in the order of what comes before a slash,
    those without any last, and a run's curves are to come before its single values.
    """
    tested = _tested(fitted, prepared, keep_predictions=keep_predictions, device=device)
    crash_point("evaluated")
    metrics = {"test/loss": tested.loss, **{f"test/{name}": value for name, value in tested.measures().items()}}
    record.log_metrics(run_id, {name.replace("/", "_"): value for name, value in metrics.items()})
    rows = class_rows(tested.by_class(), prepared.classes)
    _record(run_id, tested, prepared, rows, keep_predictions=keep_predictions)
    return Evaluation(metrics=metrics, classes=rows)


def ask_test_images(fitted: Path, prepared: PreparedDataset, *, device: str) -> KeptPredictions:
    """Return what a model says of each test image, in the same blocks as `evaluate_model`, and record nothing."""
    return _predictions(_tested(fitted, prepared, keep_predictions=True, device=device), prepared)


def _tested(fitted: Path, prepared: PreparedDataset, *, keep_predictions: bool, device: str) -> Score:
    with tf.device(f"{device}:0"), own_objects(fitted.parent):
        model = keras.models.load_model(fitted)
        keep = small_probabilities(model.loss) if keep_predictions else None
        return score(make_evaluate_step(model), open_split(prepared, "test"), keep)


def _predictions(tested: Score, prepared: PreparedDataset) -> KeptPredictions:
    said = tested.labels, tested.predicted, tested.kept
    return predictions_of(prepared.indices("test"), *said, prepared.names("test"))


def _record(
    run_id: str, tested: Score, prepared: PreparedDataset, rows: tuple[ClassRow, ...], *, keep_predictions: bool
) -> None:
    """Record which class was taken for which, how well each is known, and what was said of each example."""
    said = tested.labels, tested.predicted
    record.log_text(run_id, class_csv(rows), CLASS_FILES["test"])
    record.log_text(run_id, confusion_csv(*said, prepared.classes), CONFUSION_FILE)
    if keep_predictions:
        record.log_content(run_id, _predictions(tested, prepared).packed(), TEST_PREDICTIONS_FILE)
    draw = partial(confusion_matrix_files, *said, prepared.classes)
    record.log_pictures(run_id, draw, "The confusion matrix")

"""Evaluation: that of NumPy, on the test split, once."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from tasks.data import blocks as blocks_module
from tasks.data.prepared import PreparedDataset
from tasks.evaluate import evaluate_model
from tasks.report.class_table import class_csv, confusion_csv
from tasks.tracking import mlflow_client, mlflow_files
from tasks.tracking.kept_predictions import unpacked
from tests.support.fits import Fit, labels_and_predictions, loss_and_accuracy
from tests.support.store import store


def test_evaluation_is_that_of_numpy_and_recorded_once(fit: Fit, prepared: PreparedDataset) -> None:
    fitted = fit(epochs=2)
    how: dict[str, Any] = {"keep_predictions": True, "device": "cpu"}
    metrics, rows = dict(evaluate_model.fn(fitted.result.model, prepared, fitted.run_id, **how)).values()
    loss, accuracy = loss_and_accuracy(fitted.result.model, prepared, "test")
    labels, predicted = labels_and_predictions(fitted.result.model, prepared, "test")
    assert metrics == {
        "test/loss": pytest.approx(loss, rel=1e-4),
        "test/accuracy": pytest.approx(accuracy),
        "test/balanced_accuracy": pytest.approx(sklearn_metrics.balanced_accuracy_score(labels, predicted)),
        "test/macro_f1": pytest.approx(sklearn_metrics.f1_score(labels, predicted, average="macro", zero_division=0)),
    }
    for name, value in metrics.items():
        assert fitted.history(name.replace("/", "_")) == [(0, value)]
    assert "confusion_matrix.png" in {file.path for file in store().list_artifacts(fitted.run_id)}
    read = partial(mlflow_files.read_file, fitted.run_id)
    assert read("classes_test.csv") == class_csv(rows).encode()
    assert read("confusion_matrix.csv") == confusion_csv(labels, predicted, prepared.classes).encode()
    kept = unpacked(read("test_predictions.npz") or b"")
    np.testing.assert_array_equal(kept.example, prepared.indices("test"))
    np.testing.assert_array_equal(kept.label, labels)
    np.testing.assert_array_equal(kept.predicted, predicted)
    np.testing.assert_array_equal(kept.probabilities.argmax(axis=1), predicted)
    np.testing.assert_allclose(kept.probabilities.sum(axis=1), 1, atol=5e-3)


def test_the_test_split_is_gone_through_once_and_keeps_nothing_unless_asked(
    fit: Fit, prepared: PreparedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted, opened = fit(epochs=1), []
    original = blocks_module.open_split
    monkeypatch.setattr("tasks.evaluate.open_split", lambda *given: opened.append(given[1]) or original(*given))
    for keep in (True, False):
        run_id = str(store().create_run(mlflow_client.open_experiment("tests")).info.run_id)
        evaluate_model.fn(fitted.result.model, prepared, run_id, keep_predictions=keep, device="cpu")
        assert (mlflow_files.read_file(run_id, "test_predictions.npz") is not None) == keep
    assert opened == ["test", "test"]

"""What a fitted model said of each validation image, after a real tiny training."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import pytest

from tasks.data import blocks as blocks_module
from tasks.data.prepared import PreparedDataset
from tasks.data.resplit import resplit
from tasks.fit import fit_model
from tasks.predict import predict_validation
from tasks.report.class_table import ClassRow, class_csv
from tasks.tracking import mlflow_client, mlflow_files
from tasks.tracking.kept_predictions import PREDICTIONS_FILE, KeptPredictions, unpacked
from tasks.training.fit_state import FitResult


class Predicted(NamedTuple):
    fitted: FitResult
    kept: KeptPredictions
    prepared: PreparedDataset
    rows: tuple[ClassRow, ...]

    def array(self, name: str) -> np.ndarray:
        return np.load(self.prepared.directory / f"{name}.npy")


@pytest.fixture
def predict(
    workplace: Path, own_prepared: PreparedDataset, make_compiled: Callable[..., Path]
) -> Callable[..., Predicted]:
    """Fit and predict in a run of its own; ``recipe`` goes to compile_model."""
    data = own_prepared
    experiment_id = mlflow_client.open_experiment("tests")

    def run(split_seed: int = 0, names: list[str] | None = None, **recipe: object) -> Predicted:
        if names:
            (data.directory / "names.json").write_text(json.dumps(names), encoding="utf-8")
        split = resplit(data, split_seed)
        run_id = mlflow_client.create_run(experiment_id, "a run", {})
        (directory := workplace / run_id).mkdir()
        how = {"epochs": 2, "batch_size": 32, "shuffle": True, "repeat": 1, "seed": 7, "print_every": 0}
        fitted = fit_model.fn(make_compiled(**recipe), split, run_id, directory, **how, device="cpu")
        rows = predict_validation.fn(fitted.model, split, run_id, device="cpu")
        assert mlflow_files.read_file(run_id, "classes_validation.csv") == class_csv(rows).encode()
        content = mlflow_files.read_file(run_id, PREDICTIONS_FILE)
        assert content
        return Predicted(fitted, unpacked(content), split, rows)

    return run


@pytest.mark.parametrize("split_seed", [0, 5])
def test_the_share_of_right_ones_is_the_accuracy_that_was_recorded(
    predict: Callable[..., Predicted], split_seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_module, "EVALUATION_BYTES", 7 * 16 * 16)  # seven images at a time
    found = predict(split_seed, learning_rate=0.05)
    kept = found.kept
    assert float(np.mean(kept.right)) == found.fitted.epochs[-1].validation_accuracy
    assert 0 < np.mean(kept.right) < 1

    np.testing.assert_array_equal(kept.example, found.prepared.indices("validation"))
    np.testing.assert_array_equal(kept.label, found.array("labels")[kept.example])
    images = found.array("images")[kept.example]
    logits = keras.models.load_model(found.fitted.model, compile=False).predict(images, verbose=0).astype(np.float64)
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(kept.probabilities, shifted / shifted.sum(axis=1, keepdims=True), atol=1e-3)
    np.testing.assert_array_equal(kept.predicted, logits.argmax(axis=1))
    assert kept.name is None
    assert [row.name for row in found.rows] == [*found.prepared.classes]
    assert [row.support for row in found.rows] == np.bincount(kept.label, minlength=10).tolist()


def test_examples_are_known_by_the_names_that_their_source_gives_them(predict: Callable[..., Predicted]) -> None:
    found = predict(5, names=[f"digit {number}.png" for number in range(300)])
    assert found.kept.name is not None
    assert found.kept.name.tolist() == [f"digit {number}.png" for number in found.kept.example]


def test_of_a_regression_the_outputs_are_kept(predict: Callable[..., Predicted]) -> None:
    found = predict(loss="mse")
    images = found.array("images")[found.kept.example]
    outputs = keras.models.load_model(found.fitted.model, compile=False).predict(images, verbose=0)
    np.testing.assert_allclose(found.kept.probabilities, outputs, rtol=2e-3, atol=2e-3)
    assert found.kept.probabilities.min() < 0
    assert float(np.mean(found.kept.right)) == found.fitted.epochs[-1].validation_accuracy

"""Model files of strangers: those that would run code when they are loaded are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import mlflow.pyfunc
import numpy as np
import pytest
from mlflow.exceptions import MlflowException

from served_model.classifier import Classifier
from served_model.description import ModelDescription
from tasks.evaluate import evaluate_model
from tasks.fit import fit_model
from tasks.model import compile_model
from tasks.tracking import mlflow_client


class Pickled(mlflow.pyfunc.PythonModel):
    """A model that MLflow can only store as a pickle."""

    def predict(self, context: Any, model_input: list[str], params: Any = None) -> list[str]:  # noqa: ARG002
        return model_input


@pytest.fixture
def with_lambda(tmp_path: Path) -> Path:
    """A .keras file with a layer that is a Python function, as bytecode."""
    model = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Lambda(lambda pixels: pixels + 1)])
    assert np.all(model(np.zeros((1, 16, 16, 1))) == 1)
    model.save(path := tmp_path / "foreign.keras")
    return path


def test_a_pickled_model_is_refused_once_the_pipeline_has_used_the_store(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "true")
    monkeypatch.delenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION")
    mlflow.pyfunc.save_model(path := str(workplace / "pickled"), python_model=Pickled(), pip_requirements=[])
    assert mlflow.pyfunc.load_model(path).predict(["a"]) == ["a"]
    mlflow_client.open_experiment("tests")
    with pytest.raises(MlflowException, match="MLFLOW_ALLOW_PICKLE_DESERIALIZATION"):
        mlflow.pyfunc.load_model(path)


@pytest.mark.parametrize("task", ["compile", "fit", "evaluate", "serve"])
def test_a_lambda_layer_is_refused_by_whatever_loads_a_model(
    task: str, with_lambda: Path, prepared: Any, tmp_path: Path, make_compiled: Callable[..., Path]
) -> None:
    assert make_compiled().exists()  # so it is not the recipe that is refused
    load: dict[str, Callable[[], Any]] = {
        "compile": lambda: compile_model.fn(with_lambda, tmp_path, **RECIPE),
        "fit": lambda: fit_model.fn(with_lambda, prepared, "a run", tmp_path, **FIT),
        "evaluate": lambda: evaluate_model.fn(with_lambda, prepared, "a run", keep_predictions=True, device="cpu"),
        "serve": lambda: Classifier(with_lambda, ModelDescription(("a", "b"), (16, 16, 1))),
    }
    with pytest.raises(ValueError, match=r"[Ll]ambda"):
        load[task]()


FIT: dict[str, Any] = {"epochs": 1, "batch_size": 8, "shuffle": True, "repeat": 1, "seed": 0, "device": "cpu"}
FIT["print_every"] = None
RECIPE: dict[str, Any] = {
    "loss": "mse",
    "label_smoothing": 0.0,
    "smooth_l1_beta": None,
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "hyperparameters": {},
    "weight_decay": 0.0,
    "schedule": "constant",
    "warmup_epochs": 0.0,
    "epochs": 1,
    "steps_per_epoch": 1,
    "device": "cpu",
}

"""What MLflow has of a run, read back to the last point."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

LEARNING = ("train/", "validation/", "test_", "best_", "learning_rate")  # what says nothing about this machine
EPOCH_METRICS = (
    *("train/loss", "train/accuracy", "validation/loss", "validation/accuracy", "learning_rate"),
    *("validation/balanced_accuracy", "validation/macro_f1"),
    *("step_milliseconds", "epoch_seconds"),
)
ONCE = (
    "best_validation_accuracy",
    "best_epoch",
    "test_loss",
    "test_accuracy",
    "test_balanced_accuracy",
    "test_macro_f1",
)

FILES = sorted(
    (
        *("training_curves.png", "weights_by_epoch.json", "predictions.npz", "classes_validation.csv"),
        *("confusion_matrix.png", "confusion_matrix.csv", "test_predictions.npz", "classes_test.csv"),
        *("dataset.html", "dataset.json"),
    )
)


@dataclass
class Recorded:
    """A run: its points are (step, value), in MLflow's order; its models are their states, by their ids."""

    run: Any
    points: dict[str, list[tuple[int, float]]]
    models: dict[str, str]
    files: list[str]
    datasets: int

    @property
    def learning(self) -> dict[str, list[tuple[int, float]]]:
        return {name: points for name, points in self.points.items() if name.startswith(LEARNING)}

    def assert_complete(self, epochs: int) -> None:
        """All that a training of so many epochs has to say is there, each of it once."""
        assert (self.run.info.status, self.run.data.tags["outcome"]) == ("FINISHED", "completed")
        assert "reason" not in self.run.data.tags
        assert self.run.info.end_time >= self.run.info.start_time
        for name in EPOCH_METRICS:
            assert [step for step, _ in self.points[name]] == list(range(1, epochs + 1)), name
        assert {name: [step for step, _ in self.points[name]] for name in ONCE} == {name: [0] for name in ONCE}
        for name, points in self.points.items():  # those of the system too, whose number is that of the seconds
            steps = [step for step, _ in points]
            assert steps == sorted(set(steps)), name
        assert list(self.models.values()) == ["READY"]
        parameters = self.run.data.params
        augmented = [] if parameters.get("augment", "None") == "None" else ["augmentation.png"]
        own = [parameters[name] for name in ("model", "optimizer", "loss") if ".py:" in parameters[name]]
        assert self.files == sorted([*augmented, *(["sources"] if own else []), *FILES])
        assert self.datasets == 1
        assert self.run.data.params["epochs"] == str(epochs)


def recorded(store: str, run_id: str) -> Recorded:
    """Read a run of a store: its address, as MLFLOW_TRACKING_URI has it."""
    from mlflow import MlflowClient

    client = MlflowClient(store)
    run = client.get_run(run_id)
    models = client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run_id}'")
    return Recorded(
        run,
        {
            name: [(metric.step, metric.value) for metric in client.get_metric_history(run_id, name)]
            for name in run.data.metrics
        },
        {model.model_id: str(model.status) for model in models},
        sorted(file.path for file in client.list_artifacts(run_id)),
        len(run.inputs.dataset_inputs),
    )


def weights(artifacts: Path, of: Recorded) -> dict[str, np.ndarray]:
    """Return the weights of a run's only model, from the directory of the store's artifacts."""
    import h5py

    (model_id,) = of.models
    (path,) = artifacts.glob(f"**/{model_id}/**/model.keras")
    found: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(lambda name, node: found.update({name: node[()]}) if isinstance(node, h5py.Dataset) else None)
    assert found
    return found

"""Comparisons as processes, and what their store has of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.recorded import EPOCH_METRICS, LEARNING, recorded

SMALL = (
    *("--dataset", "digits", "--limit-examples", 300, "--optimizers", "sgd,adam", "--learning-rates", 0.01),
    *("--looks", "none"),
)
SHORT = (*SMALL, "--epochs", 2, "--seeds", 2, "--target", 0.5)
LONG_EPOCHS = 30
LONG = (*SMALL, "--epochs", LONG_EPOCHS, "--seeds", 2, "--workers", 2)
SECONDS = 10  # from a signal until no worker of a comparison is left


def store(place: Path | str) -> str:
    """Return the store in a directory, or the one of this address."""
    return f"sqlite:///{place / 'mlflow.db'}" if isinstance(place, Path) else place


def trials_of(place: Path | str, study: str) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(store(place))
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return list(client.search_runs(experiments, f"tags.study = '{study}'"))


def studies_of(directory: Path, runs: Callable[..., list[Any]]) -> list[Any]:
    return [run for run in runs(directory) if run.data.tags["run.flow"] == "compare"]


def running_trials(directory: Path, runs: Callable[..., list[Any]]) -> list[Any]:
    """The trials that have finished an epoch, and go on."""
    return [
        run
        for run in runs(directory)
        if run.data.tags["run.flow"] == "train" and run.info.status == "RUNNING" and "train/loss" in run.data.metrics
    ]


def learning_of(place: Path | str, study: str) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """What each trial has learned, by its name; exactly one run of each has finished, and has each point once."""
    finished = [run for run in trials_of(place, study) if run.info.status == "FINISHED"]
    assert max(Counter(run.data.tags["trial"] for run in finished).values()) == 1
    learned = {}
    for run in finished:
        read = recorded(store(place), run.info.run_id)
        epochs = int(run.data.params["epochs"])
        for name in EPOCH_METRICS:
            assert [step for step, _ in read.points[name]] == list(range(1, epochs + 1)), name
        for points in read.points.values():
            assert len({step for step, _ in points}) == len(points)
        learned[run.info.run_name] = {
            name: points
            for name, points in read.points.items()
            if name.startswith(LEARNING) and not name.startswith("test_")
        }
    return learned

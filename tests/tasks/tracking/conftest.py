"""A run in a store, for the tests of what is asked and told there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tasks.tracking import mlflow_client
from tasks.tracking.mlflow_client import open_experiment


@pytest.fixture
def experiment(workplace: Path) -> str:
    assert workplace.is_dir()
    return open_experiment("tests")


@pytest.fixture
def run_id(experiment: str) -> str:
    return mlflow_client.create_run(experiment, "a run", {"run.host": "here"})

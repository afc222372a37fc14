"""prefect.yaml and the locked servers, proved by running them: deploy, a worker, a run asked for through the API."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml

from flows.compare_parameters import CompareParameters
from flows.parameters import TrainParameters
from flows.signature import validated
from tests.end_to_end.running import ROOT, Ended, Running, free_port, wait_for

pytestmark = pytest.mark.end_to_end

MODELS = {"flows/train.py:train": TrainParameters, "flows/compare.py:compare": CompareParameters}
KEYS = {"name", "description", "entrypoint", "parameters", "work_pool"}
DEPLOYMENTS = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
LOAD_MODEL = """
import json, sys
import mlflow.keras, numpy, tensorflow
model = mlflow.keras.load_model(sys.argv[1])
print(json.dumps(model.predict(numpy.zeros((3, 32, 32, 1), "float32"), verbose=0).shape))
"""


def test_every_name_of_a_deployment_is_its_own() -> None:
    names = [(entry["entrypoint"], entry["name"]) for entry in DEPLOYMENTS]
    assert len(names) == len(set(names)) > 0


@pytest.mark.parametrize("entry", DEPLOYMENTS, ids=lambda entry: entry["name"])
def test_a_deployment_has_known_keys_and_parameters_that_its_flow_takes(entry: dict[str, Any]) -> None:
    assert set(entry) == KEYS  # Prefect ignores what it does not know, so a misspelt key would be silent
    assert entry["work_pool"] == {"name": "local"}
    model = MODELS[entry["entrypoint"]]
    parameters = validated(model, entry["parameters"])
    as_default = [name for name in entry["parameters"] if getattr(parameters, name) == model.model_fields[name].default]
    assert not as_default, "name only what differs from the flow's own defaults"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what is deployed, for a run leaves its files in the working directory."""
    directory = tmp_path / "a checkout"
    for package in ("flows", "tasks", "models"):
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "prefect.yaml", directory)
    return directory


@pytest.fixture
def prefect(start: Callable[..., Running], checkout: Path, prefect_api: str) -> Callable[..., Running]:
    """Start ``prefect ARGUMENT...`` in the checkout."""

    def prefect_with(*arguments: str, **changes: str) -> Running:
        variables = {"PREFECT_API_URL": prefect_api, "PYTHONPATH": "", "DO_NOT_TRACK": "1", "COLUMNS": "300", **changes}
        return start("-m", "prefect", *arguments, directory=checkout, **variables)

    return prefect_with


def deployed(prefect_api: str) -> dict[str, dict[str, Any]]:
    kept = ("id", "entrypoint", "parameters", "description", "pull_steps", "work_pool_name", "enforce_parameter_schema")
    found = httpx.post(f"{prefect_api}/deployments/filter", json={}).raise_for_status().json()
    return {each["name"]: {key: each[key] for key in kept} for each in found}


def succeeded(ended: Ended) -> Ended:
    assert ended.status == 0, ended
    return ended


@pytest.mark.timeout(600)
def test_deployments_run_on_a_worker_and_are_tracked_by_a_server(
    *,
    start: Callable[..., Running],
    serve: Callable[..., str],
    prefect: Callable[..., Running],
    prefect_api: str,
    runs: Callable[..., list[Any]],
    checkout: Path,
    tmp_path: Path,
) -> None:
    succeeded(prefect("work-pool", "create", "local", "--type", "process").ended())
    succeeded(prefect("--no-prompt", "deploy", "--all").ended())
    first = deployed(prefect_api)
    succeeded(prefect("--no-prompt", "deploy", "--all").ended())
    assert deployed(prefect_api) == first
    assert {name: each["parameters"] for name, each in first.items()} == {
        entry["name"]: entry["parameters"] for entry in DEPLOYMENTS
    }
    for each in first.values():
        assert each["enforce_parameter_schema"]
        assert each["pull_steps"] == [
            {"prefect.deployments.steps.set_working_directory": {"directory": str(checkout.resolve())}}
        ]

    refused = prefect("deployment", "run", "train/digits", "--param", "optimizer=adm").ended()
    assert refused.status == 1
    assert "'adm' is not one of" in refused.out + refused.err

    port = free_port()
    store, artifacts = f"sqlite:///{tmp_path / 'server.db'}", str(tmp_path / "artifacts")
    arguments = ("--port", str(port), "--workers", "1", "--backend-store-uri", store, "--artifacts-destination")
    mlflow = serve(["-m", "mlflow", "server", "--host", "127.0.0.1", *arguments, artifacts], port, "/health")

    servers = {"PREFECT_API_URL": prefect_api, "MLFLOW_TRACKING_URI": mlflow}
    worker = prefect("worker", "start", "--pool", "local", **servers)
    ran = succeeded(prefect("deployment", "run", "train/digits", "--param", "epochs=1", "--watch").ended())
    assert "Completed" in ran.out
    (run,) = runs(mlflow)

    succeeded(prefect("deployment", "run", "train/digits", "--param", "epochs=100000").ended())
    killed = wait_for(lambda: [each for each in runs(mlflow) if "train/loss" in each.data.metrics][1:], "an epoch")[0]
    os.kill(process := int(killed.data.tags["run.process"]), signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(process), "the worker to notice")
    closed = succeeded(start("-m", "flows", "reconcile", **servers, directory=checkout, PYTHONPATH="").ended())
    assert closed.out.startswith(f"Closed run {killed.info.run_id} ")
    assert [each.info.status for each in runs(mlflow)] == ["FINISHED", "FAILED"]
    flow_run = httpx.get(f"{prefect_api}/flow_runs/{killed.data.tags['prefect.flow_run_id']}").raise_for_status()
    assert flow_run.json()["state_type"] == "CRASHED"

    worker.process.send_signal(signal.SIGINT)
    assert worker.ended().left == []
    assert (run.info.status, run.data.params["dataset"], run.data.params["epochs"]) == ("FINISHED", "digits", "1")
    assert run.data.tags["prefect.flow_run_id"] in ran.out
    picture = f"{mlflow}/get-artifact?run_id={run.info.run_id}&path=training_curves.png"
    assert httpx.get(picture).raise_for_status().content.startswith(b"\x89PNG")
    loaded = start("-c", LOAD_MODEL, f"runs:/{run.info.run_id}/model", MLFLOW_TRACKING_URI=mlflow).ended()
    assert json.loads(succeeded(loaded).out.splitlines()[-1]) == [3, 10]
    assert not (checkout / "mlflow.db").exists()

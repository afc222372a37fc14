"""prefect.yaml and the locked servers, proved by running them: deploy, a worker, a run asked for through the API."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from mlflow import MlflowClient
from pydantic import BaseModel

from flows.parameters.compare import CompareParameters
from flows.parameters.promote import AskedPromoteParameters
from flows.parameters.signature import validated
from flows.parameters.train import TrainParameters
from flows.servers.deploy import WORK_POOL
from tests.support.prefect_api import ask
from tests.support.running import ROOT, Ended, Running, free_port, wait_for
from tests.support.servers import made

pytestmark = pytest.mark.end_to_end

MODELS: dict[str, type[BaseModel]] = {
    "flows/train.py:train": TrainParameters,
    "flows/compare.py:compare": CompareParameters,
    "flows/promote.py:promote": AskedPromoteParameters,
}
MISSING = {"flows/promote.py:promote": {"run": "a run", "name": "pets"}}  # what nobody can know beforehand
KEYS = {"name", "description", "entrypoint", "parameters", "schedules", "work_pool"}
SCHEDULE_KEYS = {"slug", "cron", "timezone", "active"}
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
    assert all(set(schedule) == SCHEDULE_KEYS for schedule in entry["schedules"])
    assert entry["work_pool"] == {"name": WORK_POOL}
    model = MODELS[entry["entrypoint"]]
    parameters = validated(model, {**MISSING.get(entry["entrypoint"], {}), **entry["parameters"]})
    as_default = [name for name in entry["parameters"] if getattr(parameters, name) == model.model_fields[name].default]
    assert not as_default, "name only what differs from the flow's own defaults"


@pytest.fixture
def prefect(start: Callable[..., Running], checkout: Path, prefect_api: str) -> Callable[..., Running]:
    """Start ``prefect ARGUMENT...`` in the checkout."""

    def prefect_with(*arguments: str, **changes: str) -> Running:
        variables = {"PREFECT_API_URL": prefect_api, "PYTHONPATH": "", "DO_NOT_TRACK": "1", "COLUMNS": "300", **changes}
        return start("-m", "prefect", *arguments, directory=checkout, **variables)

    return prefect_with


def deployed(prefect_api: str) -> dict[str, dict[str, Any]]:
    kept = ("id", "entrypoint", "parameters", "description", "pull_steps", "work_pool_name", "enforce_parameter_schema")
    found = ask("POST", f"{prefect_api}/deployments/filter", {})
    schedules = {
        each["name"]: [(one["slug"], one["schedule"]["cron"], one["active"]) for one in each["schedules"]]
        for each in found
    }
    return {each["name"]: {**{key: each[key] for key in kept}, "schedules": schedules[each["name"]]} for each in found}


def state_of(prefect_api: str, flow_run_id: str) -> str:
    state: str = ask("GET", f"{prefect_api}/flow_runs/{flow_run_id}")["state_type"]
    return state


def succeeded(ended: Ended) -> Ended:
    assert ended.status == 0, ended
    return ended


@pytest.fixture
def mlflow(serve: Callable[..., str], tmp_path: Path) -> str:
    port = free_port()
    store, artifacts = made(tmp_path / "server.db", "mlflow"), str(tmp_path / "artifacts")
    arguments = ("--port", str(port), "--workers", "1", "--backend-store-uri", store, "--artifacts-destination")
    return serve(["-m", "mlflow", "server", "--host", "127.0.0.1", *arguments, artifacts], port, "/health")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_deployments_run_on_a_worker_and_are_tracked_by_a_server(
    *,
    start: Callable[..., Running],
    prefect: Callable[..., Running],
    prefect_api: str,
    mlflow: str,
    runs: Callable[..., list[Any]],
    checkout: Path,
    tmp_path: Path,
) -> None:
    servers = {"PREFECT_API_URL": prefect_api, "MLFLOW_TRACKING_URI": mlflow}
    said = succeeded(start("-m", "flows", "deploy", directory=checkout, PYTHONPATH="", **servers).ended())
    assert f"Deployed to {prefect_api}: train/mnist, train/digits, compare/optimizers" in said.out
    first = deployed(prefect_api)
    succeeded(start("-m", "flows", "deploy", directory=checkout, PYTHONPATH="", **servers).ended())
    assert deployed(prefect_api) == first
    assert {name: each["parameters"] for name, each in first.items()} == {
        entry["name"]: entry["parameters"] for entry in DEPLOYMENTS
    }
    for each in first.values():
        assert each["enforce_parameter_schema"]
        assert each["pull_steps"] == [
            {"prefect.deployments.steps.set_working_directory": {"directory": str(checkout.resolve())}}
        ]
    assert first["optimizers"]["schedules"] == [("nightly", "0 2 * * *", False)]

    refused = prefect("deployment", "run", "train/digits", "--param", "optimizer=adm").ended()
    assert refused.status == 1
    assert "'adm' does not match '^(sgd|momentum|" in refused.out + refused.err

    (elsewhere := tmp_path / "elsewhere").mkdir()
    command = ("-m", "prefect", "worker", "start", "--pool", WORK_POOL, "--limit", "1")
    often = {"DO_NOT_TRACK": "1", "PREFECT_WORKER_QUERY_SECONDS": "1"}  # asks every ten seconds otherwise
    worker = start(*command, directory=elsewhere, PYTHONPATH="", **often, **servers)
    asked = ("--param", "optimizer=adam", "--param", "epochs=1", "--flow-run-name", "my-run", "--watch")
    ran = succeeded(prefect("deployment", "run", "train/digits", *asked).ended())
    assert "Completed" in ran.out
    (run,) = runs(mlflow)
    assert (run.info.status, run.data.params["dataset"], run.data.params["optimizer"]) == ("FINISHED", "digits", "adam")
    flow_run_id = run.data.tags["prefect.flow_run_id"]
    assert flow_run_id in ran.out
    flow_run = ask("GET", f"{prefect_api}/flow_runs/{flow_run_id}")
    assert (flow_run["name"], run.info.run_name, run.data.params["learning_rate"]) == ("my-run", "my-run", "0.001")
    picture = f"{mlflow}/get-artifact?run_id={run.info.run_id}&path=training_curves.png"
    assert httpx.get(picture).raise_for_status().content.startswith(b"\x89PNG")
    loaded = start("-c", LOAD_MODEL, f"runs:/{run.info.run_id}/model", MLFLOW_TRACKING_URI=mlflow).ended()
    assert json.loads(succeeded(loaded).out.splitlines()[-1]) == [3, 10]

    one_at_a_time(prefect, prefect_api, mlflow, runs, first["digits"]["id"])

    small = {"dataset": "digits", "limit_examples": 200, "optimizers": ["sgd"], "learning_rates": [0.01]}
    options = ("--params", json.dumps({**small, "seeds": 1, "looks": None, "epochs": 1, "workers": 1}), "--watch")
    assert "Completed" in succeeded(prefect("deployment", "run", "compare/optimizers", *options).ended()).out
    assert [each.info.status for each in runs(mlflow)] == ["FINISHED", "KILLED", "FINISHED", "FINISHED", "FINISHED"]

    one_epoch, _, scheduled, *_ = (each.info.run_id for each in runs(mlflow))
    a_person_is_asked(start, prefect_api, mlflow, (one_epoch, scheduled), checkout)

    killed = long_run(prefect, mlflow, runs)
    os.kill(process := int(killed.data.tags["run.process"]), signal.SIGKILL)
    wait_for(lambda: not psutil.pid_exists(process), "the worker to notice")
    closed = succeeded(start("-m", "flows", "reconcile", **servers, directory=checkout, PYTHONPATH="").ended())
    assert f"Closed run {killed.info.run_id} " in closed.out  # after what it had not sent yet
    assert runs(mlflow)[-1].info.status == "FAILED"
    assert state_of(prefect_api, killed.data.tags["prefect.flow_run_id"]) == "CRASHED"

    worker.process.send_signal(signal.SIGINT)
    assert worker.ended().left == []
    assert not (checkout / "mlflow.db").exists()


def one_at_a_time(
    prefect: Callable[..., Running], prefect_api: str, mlflow: str, runs: Callable[..., list[Any]], deployment_id: str
) -> None:
    """Let a run take the worker's only place, see that one which a schedule asks for waits, and cancel the first."""
    cancelled = long_run(prefect, mlflow, runs)
    flow_run, process = cancelled.data.tags["prefect.flow_run_id"], int(cancelled.data.tags["run.process"])
    before = datetime.now(UTC) + timedelta(seconds=8, hours=-1)  # an hour later it is due for the first time
    deployment = f"{prefect_api}/deployments/{deployment_id}"
    schedule = {"schedule": {"interval": 3600, "anchor_date": before.isoformat()}, "active": True}
    ask("POST", f"{deployment}/schedules", [schedule])
    ask("PATCH", deployment, {"paused": False})  # Prefect looks at changed ones every 5 seconds
    fired = wait_for(lambda: due(prefect_api, deployment_id), "the schedule to fire")
    assert fired["state_type"] == "SCHEDULED"
    assert len(runs(mlflow)) == 2

    cancelling = {"state": {"type": "CANCELLING"}}  # as the button in the Prefect UI has it
    ask("POST", f"{prefect_api}/flow_runs/{flow_run}/set_state", cancelling)
    wait_for(lambda: not psutil.pid_exists(process), "the process of the cancelled run to end")
    wait_for(lambda: state_of(prefect_api, flow_run) == "CANCELLED", "the flow run to be cancelled")
    wait_for(lambda: [each.info.status for each in runs(mlflow)][1] == "KILLED", "the run to be killed")
    wait_for(lambda: state_of(prefect_api, fired["id"]) == "COMPLETED", "the scheduled run")


def long_run(prefect: Callable[..., Running], mlflow: str, runs: Callable[..., list[Any]]) -> Any:
    """Ask for a run that goes on until it is ended, and return it once it has learned something."""
    before = len(runs(mlflow))
    succeeded(prefect("deployment", "run", "train/digits", "--param", "epochs=100000").ended())
    learning = lambda: [each for each in runs(mlflow)[before:] if "train/loss" in each.data.metrics]  # noqa: E731
    return wait_for(learning, "an epoch")[0]


def due(prefect_api: str, deployment_id: str) -> dict[str, Any] | None:
    """Return the flow run that a schedule has asked for, once its time has come."""
    asked = {"flow_runs": {"deployment_id": {"any_": [deployment_id]}, "state": {"type": {"any_": ["SCHEDULED"]}}}}
    found: list[dict[str, Any]] = ask(
        "POST", f"{prefect_api}/flow_runs/filter", {**asked, "sort": "EXPECTED_START_TIME_ASC"}
    )
    come = [each for each in found if datetime.fromisoformat(each["expected_start_time"]) < datetime.now(UTC)]
    return come[0] if come else None


def a_person_is_asked(
    start: Callable[..., Running], prefect_api: str, mlflow: str, asked: tuple[str, str], directory: Path
) -> None:
    """Let one run be champion, have the other promoted, say yes where that waits, and see that it is champion then."""
    old, new = asked
    promoted = ("-m", "flows", "promote", old, "--name", "digits")
    succeeded(start(*promoted, directory=directory, PYTHONPATH="", MLFLOW_TRACKING_URI=mlflow).ended())
    deployment = ask("GET", f"{prefect_api}/deployments/name/promote/asked")
    wanted = {"parameters": {"run": new, "name": "digits", "force": True}}  # whatever so short a training came to
    flow_run = ask("POST", f"{prefect_api}/deployments/{deployment['id']}/create_flow_run", wanted)["id"]
    wait_for(lambda: state_of(prefect_api, flow_run) == "PAUSED", "the run to wait for a person")
    registry = MlflowClient(mlflow)
    assert registry.get_model_version_by_alias("digits", "champion").run_id == old

    details = ask("GET", f"{prefect_api}/flow_runs/{flow_run}")["state"]["state_details"]
    shown = ask("GET", f"{prefect_api}/flow_runs/{flow_run}/input/{details['run_input_keyset']['description']}")
    assert re.search(r"on the same \d+ test images the new model has \d+ right and the champion \d+", shown)
    assert "This test set has judged 1 promotion; the more often" in shown
    assert "Shall version 2 become the champion of 'digits' instead of version 1?" in shown
    said = {"run_input": {"approve": True, "note": "looked at its mistakes"}}
    assert ask("POST", f"{prefect_api}/flow_runs/{flow_run}/resume", said)["status"] == "ACCEPT"
    wait_for(lambda: state_of(prefect_api, flow_run) == "COMPLETED", "the promotion")
    champion = registry.get_model_version_by_alias("digits", "champion")
    assert (champion.run_id, champion.version) == (new, "2")
    assert champion.tags["promotion.approved"] == "a person said yes: looked at its mistakes"
    assert registry.get_model_version_by_alias("digits", "previous").run_id == old

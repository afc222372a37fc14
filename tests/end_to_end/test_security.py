"""What docs/security.md promises, with real servers."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import keras
import numpy as np
import pytest

from served_model.description import ModelDescription
from tasks.tracking import mlflow_client
from tasks.tracking.outbox_entries import ModelFile
from tests.support.running import Running, free_port

pytestmark = pytest.mark.end_to_end

PASSWORD = "a-password-for-the-team"  # noqa: S105 - of servers that live as long as a test
CANARY = "canary-3f1c9a"
PASSWORDS = {
    "PREFECT_API_AUTH_STRING": f"team:{PASSWORD}",
    "MLFLOW_TRACKING_USERNAME": "team",
    "MLFLOW_TRACKING_PASSWORD": PASSWORD,
}


def test_servers_for_others_start_only_with_passwords(start: Callable[..., Running]) -> None:
    ended = start("-m", "flows", "ui", "--host", "0.0.0.0").ended()  # noqa: S104 - that is what is refused
    assert (ended.status, ended.out, ended.left) == (2, "", [])
    assert "a password is missing" in ended.err
    assert "export PREFECT_API_AUTH_STRING=admin:PASSWORD" in ended.err
    ended = start("-m", "flows", "serve", "a run", "--host", "0.0.0.0").ended()  # noqa: S104 - as above
    assert (ended.status, ended.out, ended.left) == (2, "", [])
    assert "its password is missing or has less than 12 characters" in ended.err


@pytest.fixture
def untrained(workplace: Path) -> str:
    """The id of a run whose model has learned nothing, in the store of the working directory."""
    layers = [keras.layers.Flatten(), keras.layers.Dense(2)]
    keras.Sequential([keras.Input((8, 8, 1)), *layers]).save(path := workplace / "model.keras")
    run_id = mlflow_client.create_run(mlflow_client.open_experiment("tests"), "a run", {"run.host": "here"})
    description = ModelDescription(("a", "b"), (8, 8, 1))
    mlflow_client.send(run_id, ModelFile(path=path, image_shape=(8, 8, 1), num_classes=2, description=description))
    return run_id


def test_a_served_model_answers_to_those_it_knows_and_tells_nobody_its_secrets(
    start: Callable[..., Running], untrained: str, workplace: Path
) -> None:
    (code,) = workplace.glob("mlartifacts/**/code/served_model/mlflow_loader.py")
    code.write_text("raise SystemExit('the code that lies in a stored model is run')\n")  # by MLflow alone
    port = free_port()
    secrets = {**PASSWORDS, "AWS_SECRET_ACCESS_KEY": CANARY}
    command = ("-m", "flows", "serve", untrained, "--host", "0.0.0.0", "--port", port)  # noqa: S104 - with a password
    running = start(*command, **secrets)
    running.printed("Ctrl-C ends it")
    url, right = f"http://127.0.0.1:{port}", ("team", PASSWORD)
    request = {"json": {"inputs": np.zeros((1, 8, 8)).tolist()}}
    heard = [
        httpx.post(f"{url}/invocations", **request),
        httpx.post(f"{url}/invocations", **request, auth=("team", "another-password")),
        httpx.post(f"{url}/invocations", **request, auth=right, headers={"Host": "10.evil.example"}),
        httpx.post(f"{url}/invocations", **request, auth=right, headers={"Origin": "http://evil.example"}),
        httpx.get(f"{url}/docs", auth=right),
        httpx.get(f"{url}/../../etc/passwd", auth=right),
        httpx.get(f"{url}/ping"),
        httpx.post(f"{url}/invocations", **request, auth=right),
    ]
    assert [answer.status_code for answer in heard] == [401, 401, 403, 403, 404, 404, 200, 200]
    shown = [words for process in running.processes() for words in process.cmdline()]
    running.process.send_signal(signal.SIGINT)
    ended = running.ended()
    assert (ended.status, ended.err, ended.left) == (0, "", [])
    written = [path for path in workplace.rglob("*") if path.is_file()]
    assert {"model.keras", "MLmodel", "description.json"} <= {path.name for path in written}
    said = "".join([ended.out, *shown, *(f"{answer.text}{answer.headers}" for answer in heard)])
    for secret in (CANARY, PASSWORD):
        assert secret not in said
        assert [path for path in written if secret.encode() in path.read_bytes()] == []


@pytest.mark.slow
def test_passwords_are_asked_for_and_neither_they_nor_other_secrets_are_written_down(
    start: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (servers := tmp_path / "servers").mkdir()
    (trained := tmp_path / "trained").mkdir()
    ports = {"prefect": free_port(), "mlflow": free_port()}
    options = ("--host", "0.0.0.0", "--prefect-port", ports["prefect"], "--mlflow-port", ports["mlflow"])  # noqa: S104
    secrets = {**PASSWORDS, "AWS_SECRET_ACCESS_KEY": CANARY, "HOME": str(servers)}
    start("-m", "flows", "ui", *options, directory=servers, **secrets).printed("Ctrl-C ends")
    prefect, mlflow = (f"http://127.0.0.1:{port}" for port in ports.values())

    version, experiments = f"{prefect}/api/admin/version", f"{mlflow}/api/2.0/mlflow/experiments/get?experiment_id=1"
    for url in (version, experiments, mlflow):
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, auth=("team", "another-password")).status_code == 401
        assert httpx.get(url, auth=("team", PASSWORD)).is_success
    assert httpx.get(mlflow, auth=("team", PASSWORD), headers={"Host": "10.evil.example"}).status_code == 403

    here = {"PREFECT_API_URL": f"{prefect}/api", "MLFLOW_TRACKING_URI": mlflow, "AWS_SECRET_ACCESS_KEY": CANARY}
    command = ("-m", "flows", "train", "--dataset", "digits", "--limit-examples", 200, "--epochs", 1)
    refused = start(*command, directory=trained, **here).ended()
    assert (refused.status, refused.left) == (2, [])
    assert "asks for a password; set PREFECT_API_AUTH_STRING=USER:PASSWORD" in refused.err
    ended = start(*command, directory=trained, **here, **PASSWORDS).ended()
    assert (ended.status, ended.left) == (0, []), ended
    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, PASSWORDS[name])
    assert [run.info.status for run in runs(mlflow)] == ["FINISHED"]

    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"prefect.db", "mlflow.db", "basic_auth.db", "model.keras", "manifest.json"} <= {
        path.name for path in written
    }
    databases = [path for path in written if ".db" in path.suffix]
    assert {path.name for path in databases if path.stat().st_mode & 0o077} <= {"mlflow.db.lock", "prefect.db.lock"}
    for secret in (CANARY, PASSWORD):
        assert [path for path in written if secret.encode() in path.read_bytes()] == []

"""What docs/security.md promises, with real servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

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

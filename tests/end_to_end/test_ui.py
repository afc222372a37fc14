"""``python -m flows ui``: both servers, on this machine only, for as long as it is wanted."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Callable

import httpx
import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.support.running import Running, free_port

pytestmark = pytest.mark.end_to_end

WEBSOCKETS = ("/api/events/in", "/api/events/out", "/api/logs/out", "/api/task_runs/subscriptions/scheduled")


def test_both_user_interfaces_answer_this_machine_only_and_end_with_an_interrupt(start: Callable[..., Running]) -> None:
    prefect_port, mlflow_port = free_port(), free_port()
    running = start("-m", "flows", "ui", "--prefect-port", prefect_port, "--mlflow-port", mlflow_port)
    running.printed("Ctrl-C ends what was started here")
    prefect, mlflow = f"http://127.0.0.1:{prefect_port}", f"http://127.0.0.1:{mlflow_port}"

    assert "<title>Prefect" in httpx.get(prefect, follow_redirects=True).text
    assert "<title>MLflow" in httpx.get(mlflow).text
    assert httpx.get(f"{mlflow}/api/2.0/mlflow/experiments/get?experiment_id=1").json()["experiment"]["name"] == "lenet"
    for host in ("evil.example", f"10.evil.example:{mlflow_port}"):
        assert httpx.get(mlflow, headers={"Host": host}).status_code == 403, host
    for own in (prefect, prefect.replace("127.0.0.1", "localhost")):
        assert allowed_origin(prefect, own) == own
    for origin in ("http://evil.example", f"http://localhost:{free_port()}", "null"):  # of this machine, elsewhere
        foreign = {"Origin": origin}
        created = httpx.post(f"{mlflow}/api/2.0/mlflow/experiments/create", json={"name": "evil"}, headers=foreign)
        read = httpx.get(f"{prefect}/api/health", headers=foreign)
        assert (created.status_code, read.status_code) == (403, 403), origin
        for path in WEBSOCKETS:
            with pytest.raises(InvalidStatus, match="HTTP 403"):
                connect(f"{prefect}{path}".replace("http", "ws"), origin=Origin(origin))
    for path in WEBSOCKETS:
        for own in (None, Origin(prefect)):  # no browser, or a page of its own
            connect(f"{prefect}{path}".replace("http", "ws"), origin=own).close()
    created = httpx.post(
        f"{mlflow}/api/2.0/mlflow/experiments/create", json={"name": "own"}, headers={"Origin": mlflow}
    )
    assert created.is_success
    assert httpx.post(f"{prefect}/api/flows/", json={"name": "evil"}).status_code == 403  # without a CSRF token
    servers = [process for process in running.processes() if process.pid != running.process.pid]
    assert len(servers) >= 2
    for process in servers:
        environment = process.environ()
        assert "huey" not in " ".join(process.cmdline())  # it would run MLflow's jobs
        assert (environment["DO_NOT_TRACK"], environment["MLFLOW_DISABLE_TELEMETRY"]) == ("1", "true")
        assert environment["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    listening = {
        connection.laddr.ip
        for process in running.processes()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}

    running.process.send_signal(signal.SIGINT)
    ended = running.ended()
    assert (ended.status, ended.err, ended.left) == (0, "", [])
    assert re.fullmatch(f"Prefect  {prefect}\nMLflow   {mlflow}\\S*\nCtrl-C ends .*\n", ended.out)


@pytest.mark.parametrize("server", ["prefect", "mlflow"])
def test_a_taken_port_is_refused(start: Callable[..., Running], server: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = {"prefect": free_port(), "mlflow": free_port()} | {server: port}
        options = [word for name, number in ports.items() for word in (f"--{name}-port", number)]
        ended = start("-m", "flows", "ui", *options).ended()
    assert (ended.status, ended.left, ended.out) == (2, [], "")
    assert re.fullmatch(rf"Bad input\. port {port}, for the \w+ server, is taken; .*: --{server}-port\n", ended.err)


def test_servers_that_are_configured_elsewhere_are_named_not_started(start: Callable[..., Running]) -> None:
    elsewhere = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "MLFLOW_TRACKING_URI": "http://127.0.0.1:10"}
    ended = start("-m", "flows", "ui", **elsewhere).ended()
    assert (ended.status, ended.err) == (0, "")
    assert re.fullmatch(
        r"Prefect  http://127\.0\.0\.1:9\nMLflow   http://127\.0\.0\.1:10/\S*\nBoth are .*\n", ended.out
    )


def allowed_origin(url: str, origin: str) -> str | None:
    """Which origin's pages may read what the API answers."""
    response = httpx.get(f"{url}/api/health", headers={"Origin": origin})
    assert response.is_success
    return response.headers.get("access-control-allow-origin")

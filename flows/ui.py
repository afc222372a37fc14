"""Both user interfaces, on this machine: the Prefect server and the MLflow server."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from prefect.settings import get_current_settings
from rich.console import Console

from flows.api import HOST, Server, start_prefect
from flows.terminal import say
from tasks import tracking
from tasks.errors import InputError


def serve(console: Console, *, prefect_port: int, mlflow_port: int) -> None:
    """Start both servers, print their addresses, and wait until the person interrupts.

    A server that is configured elsewhere (PREFECT_API_URL, MLFLOW_TRACKING_URI) is named, not started.

    Raises:
        InputError: a port is taken, or both are the same.
        ServerError: a server does not come up, or ends.
    """
    prefect_url, mlflow_url = get_current_settings().api.url, tracking.tracking_uri()
    own_mlflow = not mlflow_url.startswith("http")
    # Both ports first, so that nothing is started where something is refused.
    if not prefect_url:
        _require_free(prefect_port, "Prefect")
    if own_mlflow:
        _require_free(mlflow_port, "MLflow")
    if not prefect_url and own_mlflow and prefect_port == mlflow_port:
        raise InputError(f"port {mlflow_port} was given for both servers; give them different ones")

    servers = []
    if not prefect_url:
        servers.append(start_prefect(prefect_port))
    if own_mlflow:
        tracking.open_experiment("lenet")  # before the server does: two first users at once break its migration
        servers.append(_start_mlflow(mlflow_port, mlflow_url))
    for server in servers:
        server.wait()
    say(console, f"Prefect  {prefect_url.removesuffix('/api') if prefect_url else f'http://{HOST}:{prefect_port}'}")
    mlflow_ui = f"http://{HOST}:{mlflow_port}" if own_mlflow else mlflow_url.rstrip("/")
    say(console, f"MLflow   {mlflow_ui}/#/experiments?{tracking.MODEL_TRAINING_VIEW}")
    if not servers:
        say(console, "Both are configured elsewhere; there is nothing to start.")
        return
    say(console, "Ctrl-C ends what was started here.")
    while True:
        time.sleep(1)
        for server in servers:
            server.check()


def _start_mlflow(port: int, store: str) -> Server:
    """Start an MLflow server on the loopback interface that no other site can talk through."""
    names = (f"localhost:{port}", f"{HOST}:{port}")
    command = [
        *("mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", store, "--artifacts-destination", str(Path("mlartifacts").absolute())),
        *("--allowed-hosts", ",".join(names)),
        *("--cors-allowed-origins", ",".join(f"http://{name}" for name in names)),
    ]
    # Its jobs are about language models; they cost processes of their own.
    return Server("MLflow", command, f"http://{HOST}:{port}/health", {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})


def _require_free(port: int, name: str) -> None:
    """Raise InputError if the port is none, or somebody listens on it already."""
    option = f"--{name.lower()}-port"
    if not 1 <= port <= 65535:
        raise InputError(f"{option}: received {port}; allowed: 1 to 65535")
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise InputError(
                f"port {port}, for the {name} server, is taken; is `make ui` running already? "
                f"If so, open http://{HOST}:{port}; else give another port: {option}"
            )

"""Both user interfaces, on this machine: the Prefect server and the MLflow server."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from prefect.settings import get_current_settings
from rich.console import Console

from flows.api import HOST, PREFECT_UI, Server, prefect_command
from flows.terminal import say
from tasks import tracking
from tasks.errors import InputError


def serve(console: Console) -> None:
    """Start both servers, print their addresses, and wait until the person interrupts.

    A server that is configured elsewhere (PREFECT_API_URL, MLFLOW_TRACKING_URI) is named, not started.

    Raises:
        InputError: a port is taken.
        ServerError: a server does not come up, or ends.
    """
    prefect_url, mlflow_url = get_current_settings().api.url, tracking.tracking_uri()
    servers = []
    if not prefect_url:
        port = _port_of(PREFECT_UI, "Prefect")
        servers.append(Server("Prefect", prefect_command(port), f"{PREFECT_UI}/api/health"))
    if not mlflow_url.startswith("http"):
        port = _port_of(tracking.MLFLOW_UI, "MLflow")
        tracking.open_store("lenet")  # before the server does: two first users at once break its migration
        servers.append(Server("MLflow", _mlflow_command(port, mlflow_url), f"{tracking.MLFLOW_UI}/health"))
    for server in servers:
        server.wait()
    say(console, f"Prefect  {prefect_url or PREFECT_UI}")
    say(console, f"MLflow   {mlflow_url if mlflow_url.startswith('http') else tracking.MLFLOW_UI}")
    if not servers:
        say(console, "Both are configured elsewhere; there is nothing to start.")
        return
    say(console, "Ctrl-C ends what was started here.")
    while True:
        time.sleep(1)
        for server in servers:
            server.check()


def _mlflow_command(port: int, store: str) -> list[str]:
    """Return the command of an MLflow server on the loopback interface that no other site can talk through."""
    names = (f"localhost:{port}", f"{HOST}:{port}")
    return [
        *(sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", store, "--artifacts-destination", str(Path("mlartifacts").absolute())),
        *("--allowed-hosts", ",".join(names)),
        *("--cors-allowed-origins", ",".join(f"http://{name}" for name in names)),
    ]


def _port_of(url: str, name: str) -> int:
    """Return the port of ``url``. Raises InputError if somebody listens on it already."""
    port = urlsplit(url).port or 80
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise InputError(
                f"port {port}, for the {name} server, is taken; is `make ui` running already? "
                f"If so, open {url}; else end what listens there"
            )
    return port

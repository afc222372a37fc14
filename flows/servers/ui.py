"""Both user interfaces: the Prefect server and the MLflow server."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from typing import NoReturn

from rich.console import Console

from flows.servers.access import Access, access_for
from flows.servers.prefect_api import address_file, configured_api
from flows.servers.server_process import LOOPBACK, Server
from flows.servers.start_servers import start_mlflow, start_prefect
from tasks.foundation.errors import InputError
from tasks.foundation.secrets_in_addresses import without_login
from tasks.terminal.messages import say
from tasks.tracking.store import MODEL_TRAINING_VIEW, tracking_uri, ui_url


def serve(console: Console, *, host: str, prefect_port: int, mlflow_port: int) -> None:
    """Start both servers, print their addresses, and wait until the person interrupts.

    A server that is configured elsewhere (PREFECT_API_URL, MLFLOW_TRACKING_URI) is named, not started.

    Raises:
        InputError: others can reach the host and there is no password, a port is taken, or both are the same.
        ServerError: a server does not come up, or ends.
    """
    access = access_for(host)
    prefect_url, store = configured_api(), tracking_uri()
    own_mlflow = not store.startswith("http")
    own = ({} if prefect_url else {"Prefect": prefect_port}) | ({"MLflow": mlflow_port} if own_mlflow else {})
    _require_ports(own, access)  # first, so that nothing is started where something is refused

    servers = [] if prefect_url else [start_prefect(prefect_port, access)]
    if own_mlflow:
        from tasks.tracking import mlflow_client  # seconds: who is refused is told before

        mlflow_client.open_experiment("lenet")  # before the server does: two first users at once break its migration
        servers.append(start_mlflow(mlflow_port, store, access))
    for server in servers:
        server.wait()
    prefect_ui = without_login(prefect_url).removesuffix("/api") if prefect_url else access.public_url(prefect_port)
    mlflow_ui = access.public_url(mlflow_port) if own_mlflow else ui_url()
    say(console, f"Prefect  {prefect_ui}\nMLflow   {mlflow_ui}/#/experiments?{MODEL_TRAINING_VIEW}")
    if not servers:
        say(console, "Both are configured elsewhere; there is nothing to start.")
        return
    say(console, "Ctrl-C ends what was started here.")
    if prefect_url:
        _watch(servers)
    address_file().write_text(f"{access.local_url(prefect_port)}/api", encoding="utf-8")
    try:
        _watch(servers)
    finally:
        address_file().unlink(missing_ok=True)


def _watch(servers: Sequence[Server]) -> NoReturn:
    while True:
        time.sleep(1)
        for server in servers:
            server.check()


def _require_ports(ports: Mapping[str, int], access: Access) -> None:
    """Raise InputError if one of the servers' ports, by their names, cannot be had."""
    for name, port in ports.items():
        _require_free(port, name, access)
    if len(set(ports.values())) < len(ports):
        raise InputError(f"port {ports['MLflow']} was given for both servers; give them different ones")


def _require_free(port: int, name: str, access: Access) -> None:
    """Raise InputError if the port is none, or somebody listens on it already."""
    option = f"--{name.lower()}-port"
    if not 1 <= port <= 65535:
        raise InputError(f"{option}: received {port}; allowed: 1 to 65535")
    with socket.socket() as probe:
        if probe.connect_ex((LOOPBACK, port)) == 0:
            raise InputError(
                f"port {port}, for the {name} server, is taken; is `make ui` running already? "
                f"If so, open {access.local_url(port)}; else give another port: {option}"
            )

"""Servers that fail: killed ones that come back on their port with all they knew, and a proxy that gives out."""

from __future__ import annotations

import http.client
import math
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

from tasks.tracking.databases import Owner, migration_lock
from tests.support.running import Running, answers, free_port, wait_for

HOST = "127.0.0.1"
# As in the server of `make ui`: else MLflow starts seven processes for jobs, which take 20 s of processor time.
NO_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


class Server:
    """A server that can be killed, and started again.

    Args:
        arguments: Of Python; the port is added.
        health: The path that answers once it is up.
    """

    def __init__(self, arguments: list[str], health: str, directory: Path, environment: Mapping[str, str]) -> None:
        self._how = ([*arguments, "--host", HOST, "--port", str(port := free_port())], directory, environment)
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self._health = health
        self._running: Running | None = None

    def start(self) -> None:
        """Start it unless it runs, and wait until it answers."""
        if self._running:
            return
        running = self._running = Running(*self._how)

        def up() -> bool:
            assert running.process.poll() is None, f"it ended: {running.out.read_text()}{running.err.read_text()}"
            return answers(f"{self.url}{self._health}")

        wait_for(up, f"the server at {self.url}")

    def kill(self) -> None:
        """Kill it, if it runs, with all its processes."""
        if self._running:
            self._running.end()
        self._running = None


def mlflow_server(directory: Path, environment: Mapping[str, str]) -> Server:
    """Return an MLflow server, not started, with its store and its ``artifacts`` in a directory."""
    store = ("--backend-store-uri", made(directory / "server.db", "mlflow"))
    artifacts = ("--artifacts-destination", str(directory / "artifacts"))
    command = ["-m", "mlflow", "server", "--workers", "1", *store, *artifacts]
    return Server(command, "/health", directory, {**environment, **NO_JOBS})


def prefect_server(directory: Path, environment: Mapping[str, str]) -> Server:
    """Return a Prefect server, not started, with its database in a directory."""
    home = {"PREFECT_HOME": str(directory)}
    made(directory / "prefect.db", "prefect")
    return Server(["-m", "prefect", "server", "start"], "/api/health", directory, {**environment, **home})


def made(database: Path, owner: Owner) -> str:
    """Return the address of a database whose tables are there already, if set-up keeps an empty one."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with migration_lock(uri := f"sqlite:///{database}", owner):
        return uri


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a port, answers all of them with an error, or lets them hang.

    Args:
        port: Where what it stands before listens.
        needs: A header, with its value, without which it answers 403.
        certificate: A file with a key and its certificate, with which it speaks TLS.

    Attributes:
        upstream: The port.
        most: The largest body that is passed on, in bytes; larger ones are answered with 413.
        absent: A part of the paths that are answered with 404; none if empty.
    """

    daemon_threads = True

    def __init__(self, port: int, needs: tuple[str, str] | None = None, certificate: Path | None = None) -> None:
        super().__init__((HOST, 0), _Handler)
        self.upstream = port
        self.needs = needs
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.mode: Literal["passes", "fails", "hangs"] = "passes"
        self.most: float = math.inf
        self.absent: str = ""
        self.url = f"http{'s' if certificate else ''}://{HOST}:{self.server_address[1]}"

    @contextmanager
    def out_of_order(self, mode: Literal["fails", "hangs"]) -> Iterator[None]:
        self.mode = mode
        yield
        self.mode = "passes"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        while self.server.mode == "hangs":
            time.sleep(0.05)
        if self.server.mode == "fails":
            self.send_error(503)
            return
        if self.server.needs and self.headers.get(self.server.needs[0]) != self.server.needs[1]:
            self.send_error(403)
            return
        if len(body) > self.server.most or (self.server.absent and self.server.absent in self.path):
            self.send_error(413 if len(body) > self.server.most else 404)
            return
        upstream = http.client.HTTPConnection(HOST, self.server.upstream)
        try:
            upstream.request(self.command, self.path, body, dict(self.headers))
            response = upstream.getresponse()
            content = response.read()
        except OSError:  # it is gone: so the client sees no answer
            self.close_connection = True
            return
        finally:
            upstream.close()
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - http.server's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""

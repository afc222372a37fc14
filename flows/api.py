"""One Prefect API for all processes of one command: the one that is configured, else a server of our own."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from tasks.errors import InputError

STARTUP_SECONDS = 120
HOST = "127.0.0.1"
PREFECT_UI = f"http://{HOST}:4200"  # where `python -m flows ui` shows what this machine's servers recorded


class ServerError(RuntimeError):
    """A server that was started here did not come up."""


@contextmanager
def prefect_api() -> Iterator[Callable[[], None]]:
    """Yield what waits until the Prefect API answers; start a server first where none is configured.

    The server comes up while the caller imports what it needs, and stays until this process has exited: Prefect
    sends its last logs and events on the way out.

    Raises:
        InputError: an API is configured and does not answer.
        ServerError: ours does not come up.
    """
    from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL, get_current_settings, temporary_settings

    configured = get_current_settings().api.url
    if configured:
        if not answers(f"{configured}/health", 10):
            raise InputError(
                f"the Prefect API {configured!r} does not answer; start that server, or unset PREFECT_API_URL "
                "to have one started for the length of the command"
            )
        yield lambda: None
        return

    port = free_port()
    url = f"http://{HOST}:{port}/api"
    server = Server("Prefect", prefect_command(port), f"{url}/health")
    os.environ["PREFECT_API_URL"] = url  # for the processes that we start
    try:
        with temporary_settings({PREFECT_API_URL: url, PREFECT_UI_URL: PREFECT_UI}):
            yield server.wait
    finally:
        del os.environ["PREFECT_API_URL"]


class Server:
    """A server process of ours: started at once, stopped when this process exits.

    Args:
        name: For messages.
        command: What to run.
        health_url: Answers once the server is up.
    """

    def __init__(self, name: str, command: list[str], health_url: str) -> None:
        self.name = name
        self._health_url = health_url
        self._log = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - kept to tell why a server did not come up
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # an interrupt from the terminal is ours to handle, not the server's
        )
        atexit.register(self.stop)

    def wait(self) -> None:
        """Wait until the server answers. Raises ServerError if it ends instead, or takes too long."""
        deadline = time.monotonic() + STARTUP_SECONDS
        while not answers(self._health_url, 1):
            self.check()
            if time.monotonic() > deadline:
                raise ServerError(f"the {self.name} server did not answer within {STARTUP_SECONDS} s")
            time.sleep(0.05)

    def check(self) -> None:
        """Raise ServerError, with the last that the server wrote, if it has ended."""
        if self._process.poll() is not None:
            self._log.seek(0)
            raise ServerError(f"the {self.name} server ended by itself:\n{self._log.read()[-2000:].strip()}")

    def stop(self) -> None:
        """End the server, gently at first."""
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def answers(url: str, seconds: float) -> bool:
    """Return whether ``url`` answers with success within ``seconds``."""
    try:
        return httpx.get(url, timeout=seconds).is_success
    except httpx.HTTPError:
        return False


def prefect_command(port: int) -> list[str]:
    """Return the command of a Prefect server on the loopback interface."""
    return [sys.executable, "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])

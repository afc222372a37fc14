"""One Prefect API for all processes of one command: the one that is configured, else a server of our own."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress

import httpx
from filelock import FileLock

from flows import follow
from tasks.errors import InputError, ServerError

STARTUP_SECONDS = 120
HOST = "127.0.0.1"
PREFECT_UI = f"http://{HOST}:4200"  # where `python -m flows ui` shows what this machine's servers recorded


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
    server = start_prefect(port)
    os.environ["PREFECT_API_URL"] = url  # for the processes that we start
    try:
        with temporary_settings({PREFECT_API_URL: url, PREFECT_UI_URL: PREFECT_UI}):
            yield server.wait
    finally:
        del os.environ["PREFECT_API_URL"]


class Server:
    """A server process of ours: started at once, stopped when this process exits, however it does.

    Args:
        name: For messages.
        command: The Python module to run, and its arguments.
        health_url: Answers once the server is up.
        settings: Environment variables of the server, where they are not set already.
        alone: Held until the server is up, where two that start at once would get in each other's way.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        health_url: str,
        settings: Mapping[str, str],
        alone: AbstractContextManager[object] | None = None,
    ) -> None:
        self.name = name
        self._starting = ExitStack()
        self._starting.enter_context(alone or nullcontext())
        self._health_url = health_url
        self._log = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - kept to tell why a server did not come up
        self._process = subprocess.Popen(
            [sys.executable, "-P", follow.__file__, *command],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**settings, **os.environ},
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
        self._starting.close()

    def check(self) -> None:
        """Raise ServerError, with the last that the server wrote, if it has ended."""
        if self._process.poll() is not None:
            self._log.seek(0)
            raise ServerError(f"the {self.name} server ended by itself:\n{self._log.read()[-2000:].strip()}")

    def stop(self) -> None:
        """End the server and what it started, gently at first."""
        atexit.unregister(self.stop)
        self._starting.close()
        group = self._process.pid  # its session is its own
        with suppress(ProcessLookupError, PermissionError):  # gone; macOS says the latter
            os.killpg(group, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=follow.GRACE_SECONDS)
        with suppress(ProcessLookupError, PermissionError):  # gone; macOS says the latter
            os.killpg(group, signal.SIGKILL)
        self._process.communicate()
        self._log.close()


def answers(url: str, seconds: float) -> bool:
    """Return whether ``url`` answers with success within ``seconds``."""
    try:
        return httpx.get(url, timeout=seconds).is_success
    except httpx.HTTPError:
        return False


def start_prefect(port: int) -> Server:
    """Start a Prefect server on the loopback interface, and let no page of another site talk to it."""
    from prefect.settings import get_current_settings

    home = get_current_settings().home
    home.mkdir(parents=True, exist_ok=True)
    origins = ",".join(f"http://{name}:{port}" for name in (HOST, "localhost"))
    return Server(
        "Prefect",
        ["prefect", "server", "start", "--host", HOST, "--port", str(port)],
        f"http://{HOST}:{port}/api/health",
        {"PREFECT_SERVER_CORS_ALLOWED_ORIGINS": origins},
        alone=FileLock(home / "server-start.lock"),  # two servers that migrate one new database at once break it
    )


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])

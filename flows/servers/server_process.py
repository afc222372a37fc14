"""A server process of ours, which ends with the command that started it."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from pathlib import Path

import httpx

from flows.servers import end_with_parent
from tasks.foundation.errors import ServerError

ROOT = Path(__file__).parents[2]
STARTUP_SECONDS = 120
LOOPBACK = "127.0.0.1"
# A server of ours speaks no TLS. Reading all certificates of this machine anew takes a twentieth of a second for each
# question, and from the server that is starting.
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Server:
    """A server process of ours: started at once, stopped when this process exits, however it does.

    Args:
        name: For messages.
        command: The Python module to run, and its arguments.
        health_url: Answers once the server is up.
        settings: Environment variables of the server.
        alone: Held until the server is up, where two that start at once would get in each other's way.
        faults: What to say, by what the server has written, should it end by itself.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        health_url: str,
        settings: Mapping[str, str],
        *,
        alone: AbstractContextManager[object] | None = None,
        faults: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._faults = faults or {}
        self._starting = ExitStack()
        self._starting.enter_context(alone or nullcontext())
        self._health_url = health_url
        self._log = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115 - kept to tell why a server did not come up
        self._process = subprocess.Popen(
            [sys.executable, "-P", end_with_parent.__file__, *command],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **settings, "PYTHONPATH": _python_path()},
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
            written = self._log.read()
            said = next((words for sign, words in self._faults.items() if sign in written), None)
            raise ServerError(
                f"the {self.name} server does not start: {said}"
                if said
                else f"the {self.name} server ended by itself:\n{written[-2000:].strip()}"
            )

    def stop(self) -> None:
        """End the server and what it started, gently at first."""
        atexit.unregister(self.stop)
        self._starting.close()
        group = self._process.pid  # its session is its own
        with suppress(ProcessLookupError, PermissionError):  # gone; macOS says the latter
            os.killpg(group, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=end_with_parent.GRACE_SECONDS)
        with suppress(ProcessLookupError, PermissionError):  # gone; macOS says the latter
            os.killpg(group, signal.SIGKILL)
        self._process.communicate()
        self._log.close()


def answers(url: str, seconds: float) -> bool:
    """Return whether a server of ours answers with success within ``seconds``, without any proxy between."""
    try:
        return httpx.get(url, timeout=seconds, trust_env=False, verify=NO_AUTHORITIES).is_success
    except httpx.HTTPError:
        return False


def _python_path() -> str:
    """Return where a server finds this package, which stands before it, wherever it is started."""
    return os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])

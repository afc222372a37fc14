"""A command as a process of its own, with all that it started."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

ROOT = Path(__file__).parents[2]
MARK = "END_TO_END_PROCESS"  # an environment variable, inherited by all that a command starts
NO_AUTHORITIES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reading all certificates takes a twentieth of a second
SECONDS = 240  # a command that takes longer hangs


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """Return the first value of ``condition`` that is true."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}"
        time.sleep(0.05)
    return value


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, verify=NO_AUTHORITIES).is_success
    except httpx.HTTPError:
        return False


@dataclass
class Ended:
    """A command that ended, and which of its processes did not within seconds."""

    status: int
    out: str
    err: str
    left: list[str]


class Running:
    """A command: ``arguments`` of Python, in ``directory``; ``begin`` starts it as `subprocess.Popen` does."""

    def __init__(
        self,
        arguments: list[str],
        directory: Path,
        environment: Mapping[str, str],
        begin: Callable[..., Any] = subprocess.Popen,
        **streams: Any,
    ) -> None:
        self.mark = uuid.uuid4().hex
        name = directory / f".{self.mark}"
        self.out, self.err = name.with_suffix(".out"), name.with_suffix(".err")
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = begin(
                [sys.executable, *arguments],
                cwd=directory,
                env={**environment, MARK: self.mark},
                **{"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err, **streams},
            )

    def printed(self, text: str) -> None:
        """Wait until it has printed ``text``, a regular expression."""

        def found() -> bool:
            assert self.process.poll() is None, f"it ended: {self.out.read_text()}{self.err.read_text()}"
            return bool(re.search(text, self.out.read_text()))

        wait_for(found, text)

    def ended(self) -> Ended:
        """Wait until it ends by itself, with all that it started."""
        status = self.exited()
        with contextlib.suppress(AssertionError):
            wait_for(lambda: not self.processes(), "its processes to end", 15)
        left = [" ".join(process.cmdline()) for process in self.processes()]
        return Ended(status, self.out.read_text(), self.err.read_text(), left)

    def exited(self, seconds: float = SECONDS) -> int:
        """Wait until it ends by itself, and return its status."""
        try:
            return int(self.process.wait(seconds))
        except subprocess.TimeoutExpired:
            pytest.fail(f"still running: {self.out.read_text()}{self.err.read_text()}{self._stacks()}")

    def processes(self) -> list[psutil.Process]:
        """What lives of all that it started, whoever the parent is by now."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if process.status() != psutil.STATUS_ZOMBIE and self._is_mine(process):
                    found.append(process)
        return found

    def _is_mine(self, process: psutil.Process) -> bool:
        # One that was forked off has a session of its own, and still shows the environment of its parent.
        return os.getsid(process.pid) == self.process.pid or process.environ().get(MARK) == self.mark

    def _stacks(self) -> str:
        """Where its processes are, for a person to find out why it does not end."""
        spy = [Path(sys.executable).with_name("py-spy"), "dump", "--pid"]
        return "".join(
            subprocess.run([*spy, str(process.pid)], check=False, capture_output=True, text=True).stdout
            for process in self.processes()
        )

    def end(self) -> None:
        """End all of it, whatever state it is in."""
        self.process.kill()
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.process.wait(SECONDS)


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

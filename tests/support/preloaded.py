"""Commands of ours without the seconds that imports take: forked off a process that has imported everything already.

PREFECT_ and TF_ settings, and the home, are read by these imports, so they are those of that process.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

READY = "ready"
READ_LATE = ("MLFLOW_", "CUDA_", "CRASH_AT")  # settings that are read where they are used
MODULES = (
    *(
        "flows.servers.prefect_api",
        "flows.train",
        *("tasks.model", "tasks.fit", "tasks.evaluate"),
        "flows.lifecycle.resume",
        "flows.compare",
        "flows.lifecycle.reconcile",
        "tasks.terminal.messages",
        "tasks.training.device",
    ),
    # What these import only when they come to it; nothing of it computes, for TensorFlow then starts its threads.
    *("mlflow.keras", "mlflow.pyfunc", "mlflow.store.tracking.sqlalchemy_store", "prefect.task_engine"),
    "sklearn.datasets",
)


class Preloaded:
    """The process that has imported everything, for commands in ``environment``."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self._asking = threading.Lock()
        self._err = directory / "preloaded.err"
        with self._err.open("w") as err:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tests.support.preloaded"],
                cwd=directory,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
                start_new_session=True,  # an interrupt from the terminal is for pytest
            )
        assert self._answer() == READY

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Whether a command in ``environment`` differs only in what it reads late."""
        changed = {name for name, _ in environment.items() ^ self.environment.items()}
        return all(name.startswith(READ_LATE) for name in changed)

    def start(
        self, command: list[str], *, cwd: Path, env: Mapping[str, str], stdout: Any, stderr: Any, **_: Any
    ) -> Forked:
        """Start ``python -m flows ARGUMENT...`` as `subprocess.Popen` would, in a session of its own."""
        assert command[:3] == [sys.executable, "-m", "flows"]
        like = {"cwd": str(cwd), "env": dict(env), "streams": [os.devnull, stdout.name, stderr.name]}
        pid = self.ask({"arguments": command[2:], "like": like})
        return Forked(self, pid, command)

    def ask(self, request: Any) -> Any:
        assert self._server.stdin
        with self._asking:
            self._server.stdin.write(f"{json.dumps(request)}\n")
            self._server.stdin.flush()
            return self._answer()

    def _answer(self) -> Any:
        assert self._server.stdout
        line = self._server.stdout.readline()
        assert line, f"it ended: {self._err.read_text()}"
        return json.loads(line)

    def end(self) -> None:
        self._server.communicate()


class Forked:
    """A command that runs, with what tests use of `subprocess.Popen`; its parent is asked for its status."""

    def __init__(self, preloaded: Preloaded, pid: int, command: list[str]) -> None:
        self._preloaded = preloaded
        self._command = command
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._preloaded.ask(self.pid)
        return self.returncode

    def wait(self, timeout: float) -> int:
        deadline = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self._command, timeout)
            time.sleep(0.01)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:  # until its parent has been asked, nobody else gets its number
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def serve() -> list[str]:
    """Fork a process for each request, and tell its number; asked for a number, tell the status or null.

    Returns:
        In a forked process, which has become like a new one: the arguments of Python.
    """
    going_on = set()
    for line in sys.stdin:
        request = json.loads(line)
        if isinstance(request, int):
            ended, status = os.waitpid(request, os.WNOHANG)
            going_on.discard(ended)
            tell(os.waitstatus_to_exitcode(status) if ended else None)
        elif pid := os.fork():
            going_on.add(pid)
            tell(pid)
        else:
            become(**request["like"])
            return list(request["arguments"])
    for pid in going_on:  # the tests are over
        os.kill(pid, signal.SIGKILL)
    os._exit(0)


def tell(answer: Any) -> None:
    sys.stdout.write(f"{json.dumps(answer)}\n")
    sys.stdout.flush()


def become(*, cwd: str, env: dict[str, str], streams: list[str]) -> None:
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for descriptor, path in enumerate(streams):
        opened = os.open(path, os.O_WRONLY | os.O_APPEND if descriptor else os.O_RDONLY)
        os.dup2(opened, descriptor)
        os.close(opened)


if __name__ == "__main__":
    from flows.__main__ import ENVIRONMENT

    gc.set_threshold(100_000)  # as in __main__.py
    os.environ.update({**ENVIRONMENT, **os.environ})
    for module in MODULES:
        importlib.import_module(module)
    del sys.modules["flows.__main__"]  # it is run, by that name
    gc.freeze()  # as in flows/workers/preload.py
    tell(READY)
    sys.argv = serve()
    runpy.run_module("flows", run_name="__main__", alter_sys=True)

"""Processes of their own without the seconds that imports take: forked off one that has imported already."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]
# It forks before anything has been computed: TensorFlow starts its threads with the first operation.
PARENT = """
import gc, importlib, json, os, sys, traceback
gc.set_threshold(100_000)  # as in flows/__main__.py: imports are most of a start
for module in sys.argv[1:]:
    importlib.import_module(module)
gc.freeze()
print("ready", flush=True)
for line in sys.stdin:
    order = json.loads(line)
    if "pid" in order:
        print(os.waitstatus_to_exitcode(os.waitpid(order["pid"], 0)[1]), flush=True)
        continue
    pid = os.fork()
    if pid:
        print(pid, flush=True)
        continue
    os.chdir(order["directory"])
    os.environ.update(order["environment"])
    output = os.open("output", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    status = 1
    try:
        exec(order["code"], {})
        status = 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush(), sys.stderr.flush()
    os._exit(status)
os._exit(0)  # what was imported takes a second to be taken down
"""


class Forks:
    """Runs code in processes that have imported ``modules``; what they print is in the file ``output``."""

    def __init__(self, *modules: str, environment: Mapping[str, str]) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", PARENT, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def __enter__(self) -> Forks:
        assert self._answer() == "ready"
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._parent.communicate()

    def start(self, code: str, directory: Path, **environment: str) -> int:
        """Run ``code`` in a new process, and return its number."""
        return int(self._ask({"code": code, "directory": str(directory), "environment": environment}))

    def status(self, pid: int) -> int:
        """Wait until a process has ended, and return its exit status, or minus the signal that killed it."""
        return int(self._ask({"pid": pid}))

    def run(self, code: str, directory: Path, **environment: str) -> int:
        """Run ``code`` in a process, and return its exit status."""
        return self.status(self.start(code, directory, **environment))

    def _ask(self, order: Mapping[str, object]) -> str:
        assert self._parent.stdin
        self._parent.stdin.write(f"{json.dumps(order)}\n")
        self._parent.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self._parent.stdout
        return self._parent.stdout.readline().strip()

"""Processes that are forked off one that has imported everything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import forkserver
from pathlib import Path

import psutil
import pytest

from flows.workers.fork_server import start_fork_server

ROOT = Path(__file__).parents[3]

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="nothing is forked elsewhere"),
    pytest.mark.timeout(120),
]


def test_what_is_forked_off_is_started_once(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr(forkserver, "set_forkserver_preload", started.extend)
    monkeypatch.setattr(forkserver, "ensure_running", lambda: started.append("running"))
    start_fork_server()
    assert started == ["flows.workers.preload", "running"]


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Path]:
    """A script beside which the pipeline can be imported."""
    path = tmp_path / "script.py"
    yield path
    for process in processes_of(path):
        process.kill()


def processes_of(path: Path) -> list[psutil.Process]:
    """What works where a script does."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(path.parent) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def start(path: Path, code: str, **changes: str) -> subprocess.Popen[bytes]:
    """Run ``code`` in a new process, in a changed environment; what it prints is in the file ``output``."""
    path.write_text(
        f"import os, sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom flows.workers.fork_server import run_in_fork\n"
        f"if __name__ == '__main__':\n    {code}\n"
    )
    with (path.parent / "output").open("w") as output:
        return subprocess.Popen(
            [sys.executable, str(path)], cwd=path.parent, stdout=output, stderr=output, env={**os.environ, **changes}
        )


def test_it_works_in_another_process_and_says_nothing_even_if_it_fails(script: Path) -> None:
    code = "[run_in_fork(os.mkdir, 'made') for _ in range(2)]; run_in_fork(print, 'hello'); print(*sys.modules)"
    assert start(script, code).wait(60) == 0
    assert (script.parent / "made").is_dir()
    # Of the process that is forked there are TensorFlow's notes; commands keep them to themselves.
    output = (script.parent / "output").read_text()
    assert "flows.workers.fork_server" in output.split()
    assert not {"hello", "FileExistsError:", "tensorflow"} & set(output.split())


def test_a_long_name_of_the_temporary_directory_does_not_matter(script: Path, tmp_path: Path) -> None:
    # The path of a socket may have 108 bytes.
    (temporary := tmp_path / ("long" * 30)).mkdir()
    code = "run_in_fork(os.mkdir, 'made'); import tempfile; print(tempfile.gettempdir())"
    assert start(script, code, TMPDIR=str(temporary)).wait(60) == 0, (script.parent / "output").read_text()
    assert (script.parent / "made").is_dir()
    assert str(temporary) in (script.parent / "output").read_text()  # for all else it is obeyed


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_it_ends_with_the_process_that_asked_for_it(script: Path, number: int) -> None:
    code = "import pathlib, time; pathlib.Path('begun').touch(); time.sleep(600)"
    parent = start(script, f"run_in_fork(exec, {code!r})")
    deadline = time.monotonic() + 60
    while not (script.parent / "begun").exists():
        assert time.monotonic() < deadline, (script.parent / "output").read_text()
        time.sleep(0.05)
    parent.send_signal(number)
    assert parent.wait(60) != 0
    deadline = time.monotonic() + 60
    while left := processes_of(script):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)

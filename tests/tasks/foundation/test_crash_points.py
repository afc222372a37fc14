from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.foundation.crash_points import crash_point

ROOT = Path(__file__).parents[3]
CODE = """
from tasks.foundation.crash_points import crash_point
for number in range(1, 4):
    print(number, flush=True)
    crash_point("point")
    crash_point("another")
"""


@pytest.mark.parametrize(
    ("where", "status", "printed"), [("point", -signal.SIGKILL, "1"), ("another:2", -signal.SIGKILL, "1 2")]
)
def test_a_process_dies_at_the_passage_that_is_named(where: str, status: int, printed: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CRASH_AT": where}
    ran = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.split()) == (status, printed.split())


def test_nothing_happens_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRASH_AT", raising=False)
    crash_point("point")
    monkeypatch.setenv("CRASH_AT", "point:9")
    crash_point("point")
    crash_point("points")

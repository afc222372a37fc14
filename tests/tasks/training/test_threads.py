"""Threads are those that were asked for, or the training is refused: what is recorded of it would not hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def computing_with(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own; it prints the threads within an operation, and across operations."""
    told = "threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads()"
    imports = "from tensorflow.config import threading\nfrom tasks.training.device import hide_gpus, select_device"
    script = f"{imports}\nfrom tasks.training.threads import use_threads\n{code}\nprint({told})"
    command = ["env", *(f"{name}={value}" for name, value in environment.items()), sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("use_threads(3)", "3 1"),
        ("use_threads(1); use_threads(1); select_device('cpu'); use_threads(1)", "1 1"),  # a worker hears it again
        ("use_threads(2); use_threads(1); select_device('cpu')", "1 1"),  # nothing has been computed in between
    ],
)
def test_threads_are_said_before_anything_is_computed(code: str, printed: str) -> None:
    ran = computing_with(code, TF_NUM_INTRAOP_THREADS="5", OMP_NUM_THREADS="5")
    assert ran.stdout.split() == printed.split(), ran.stderr


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("hide_gpus(); hide_gpus(); use_threads(1)", "received 1, but TensorFlow has started in this process with 0"),
        ("use_threads(1); select_device('cpu'); use_threads(2)", "received 2, .* with 1 for an operation"),
        (
            "threading.set_intra_op_parallelism_threads(1); select_device('cpu'); use_threads(1)",
            "with 1 for an operation and 0 for several at once",
        ),
    ],
)
def test_other_threads_that_have_started_are_refused_in_words(code: str, told: str) -> None:
    script = "\n".join(
        [
            "import re",
            "from tasks.foundation.errors import InputError",
            "try:",
            f"    {code}",
            "except InputError as error:",
            f"    assert re.search({told!r}, str(error)), error",
            "    assert 'restart its kernel' in str(error)",
            "else:",
            "    raise AssertionError('it was not refused')",
        ]
    )
    ran = computing_with(script)
    assert ran.returncode == 0, ran.stderr

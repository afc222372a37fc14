"""Threads are those that were asked for, or the training is refused: what is recorded of it would not hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.forks import Forks

IMPORTS = """
from tensorflow.config import threading
from tasks.training.device import hide_gpus, select_device
from tasks.training.threads import use_threads
"""
TOLD = "print(threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads())"


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    """Processes in which TensorFlow is there, and has not started its threads."""
    with Forks("tensorflow.config", "tasks.training.device", "tasks.training.threads", environment=os.environ) as forks:
        yield forks


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("use_threads(3)", "3 1"),
        ("use_threads(1); use_threads(1); select_device('cpu'); use_threads(1)", "1 1"),  # a worker hears it again
        ("use_threads(2); use_threads(1); select_device('cpu')", "1 1"),  # nothing has been computed in between
    ],
)
def test_threads_are_said_before_anything_is_computed(forks: Forks, tmp_path: Path, code: str, printed: str) -> None:
    script = f"{IMPORTS}\n{code}\n{TOLD}"
    status = forks.run(script, tmp_path, TF_NUM_INTRAOP_THREADS="5", OMP_NUM_THREADS="5")
    told = (tmp_path / "output").read_text()
    assert status == 0, told
    assert told.splitlines()[-1] == printed, told


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
def test_other_threads_that_have_started_are_refused_in_words(
    forks: Forks, tmp_path: Path, code: str, told: str
) -> None:
    script = "\n".join(
        [
            IMPORTS,
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
    assert forks.run(script, tmp_path) == 0, (tmp_path / "output").read_text()

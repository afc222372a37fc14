"""A training whose terminal goes away goes on, is recorded, and ends as if it had not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import Running

pytestmark = pytest.mark.end_to_end
SMALL = ("-m", "flows", "train", "--dataset", "digits", "--limit-examples", 100, "--epochs", 2)


@pytest.mark.slow
def test_a_reader_that_leaves_after_one_line_ends_no_training(
    start: Callable[..., Running], prefect_api: str, runs: Callable[[Path], list[Any]], tmp_path: Path
) -> None:
    reading, writing = os.pipe()
    running = start(*SMALL, streams={"stdout": writing}, PREFECT_API_URL=prefect_api)
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        assert pipe.read(8) == b"Training"
    ended = running.ended()
    assert (ended.status, ended.left) == (0, [])
    assert ended.err == "Standard output takes no more (Broken pipe). The command goes on without it.\n"
    (run,) = runs(tmp_path)
    assert (run.info.status, run.data.tags["outcome"]) == ("FINISHED", "completed")
    assert not list((tmp_path / "runs").iterdir())


@pytest.mark.slow
def test_streams_that_are_closed_from_the_start_end_no_training(
    start: Callable[..., Running], prefect_api: str, runs: Callable[[Path], list[Any]], tmp_path: Path
) -> None:
    def closed(command: list[str], **given: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command], **given)

    assert start(*SMALL, begin=closed, PREFECT_API_URL=prefect_api).ended().status == 0
    (run,) = runs(tmp_path)
    assert run.info.status == "FINISHED"

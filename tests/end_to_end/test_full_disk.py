"""The disk fills up, or a folder cannot be written: one clear line, the last checkpoint whole, and a way to go on."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.recorded import Recorded, recorded
from tests.support.running import Running, wait_for
from tests.support.servers import Server, mlflow_server

# The first test also waits for servers, and for a training that nothing happens to.
pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]

EPOCHS = 30
TRAINING = ("--dataset", "digits", "--limit-examples", 300, "--epochs", EPOCHS)
EPOCH = "Epoch time:"


@pytest.fixture(scope="module")
def mlflow(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A tracking server, so that training writes its own files only."""
    server = mlflow_server(tmp_path_factory.mktemp("mlflow"), environment)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def tracked(train: Callable[..., Running], mlflow: Server) -> Callable[..., Running]:
    """Start a training that records on the tracking server."""
    return lambda *arguments: train(*arguments, MLFLOW_TRACKING_URI=mlflow.url)


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, Recorded]:
    """The training that nothing happened to, once there is one."""
    return {}


@pytest.fixture
def learning(undisturbed: dict[str, Recorded], tracked: Callable[..., Running], mlflow: Server) -> dict[str, Any]:
    """What a training learns that nothing happens to."""
    if not undisturbed:
        ended = tracked(*TRAINING).ended()
        found = re.search(r"/runs/([0-9a-f]{32})", ended.out)
        assert found, ended
        undisturbed["run"] = recorded(mlflow.url, found[1])
        undisturbed["run"].assert_complete(EPOCHS)
    return undisturbed["run"].learning


@contextmanager
def short_files(running: Running) -> Iterator[str]:
    """Let the process of a training write no file as long as a checkpoint, and say what it is told then."""
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (100_000, 100_000))
    yield "File too large"


@contextmanager
def no_space_in(directory: Path) -> Iterator[str]:
    """Fill up the disk that ``directory`` lies on, and say what whoever writes there is told then."""
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (4096, 1):  # whole pages, and what is left of the last
            while True:
                try:
                    file.write(b"0" * size)
                except OSError:
                    break
    yield "No space left on device"
    filler.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB below ``runs/``."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    directory = tmp_path / "runs"
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", directory],  # noqa: S607 - wherever it is
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield directory
    subprocess.run(["umount", "--lazy", directory], check=True)  # noqa: S607


@pytest.mark.slow
def test_a_file_that_cannot_be_written_ends_the_run_with_its_last_checkpoint(
    tracked: Callable[..., Running], mlflow: Server, learning: dict[str, Any], tmp_path: Path
) -> None:
    fails_and_is_resumed(tracked, mlflow, learning, tmp_path, short_files)


@pytest.mark.slow
def test_a_full_disk_ends_the_run_with_its_last_checkpoint(
    tracked: Callable[..., Running], mlflow: Server, learning: dict[str, Any], tmp_path: Path, small_disk: Path
) -> None:
    fails_and_is_resumed(tracked, mlflow, learning, tmp_path, lambda _: no_space_in(small_disk))


def fails_and_is_resumed(
    tracked: Callable[..., Running],
    mlflow: Server,
    learning: dict[str, Any],
    directory: Path,
    trouble: Callable[[Running], Any],
) -> None:
    running = tracked(*TRAINING)
    wait_for(lambda: running.out.read_text().count(EPOCH) >= 2, "the second epoch")
    with trouble(running) as reason:
        assert running.out.read_text().count(EPOCH) < EPOCHS
        ended = running.ended()
        assert (ended.status, ended.left) == (1, [])
        (line,) = ended.err.splitlines()
        told = re.fullmatch(r"The run failed\. (cannot write '(\S+)': (.*); make room on that disk, or .*)", line)
        assert told, line
        assert told[2].startswith(str(directory / "runs"))
        assert told[3] == reason
        assert "Traceback" not in ended.out
        resume = re.search(
            r"^Run (\w+) failed\. Go on with it: .*python -m flows (train --resume \1)$", ended.out, re.MULTILINE
        )
        assert resume, ended.out

        checkpoints = sorted((directory / "runs").glob("*/checkpoints/*"))
        assert 1 <= len(checkpoints) <= 2
        for checkpoint in checkpoints:  # nothing half-written is left, and what is left is whole
            digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
            assert re.fullmatch(rf"\d{{6}}-0{{9}}-{digest[:16]}\.npz", checkpoint.name)
            with np.load(checkpoint) as archive:
                assert all(archive[name] is not None for name in archive.files)
        failed = recorded(mlflow.url, resume[1])
        assert (failed.run.info.status, failed.run.data.tags["outcome"]) == ("FAILED", "failed")
        assert failed.run.data.tags["reason"] == f"StorageError: {told[1]}"

    resumed = tracked(*resume[2].split()[1:]).ended()
    assert (resumed.status, resumed.err, resumed.left) == (0, "", [])
    assert f"Going on after epoch {int(checkpoints[-1].name[:6])}." in resumed.out
    run = recorded(mlflow.url, resume[1])
    run.assert_complete(EPOCHS)
    assert run.learning == learning
    assert list((directory / "runs").iterdir()) == []


@pytest.mark.parametrize("blocked", ["runs", "data"])
def test_a_file_where_a_folder_is_needed_is_named_before_there_is_a_run(
    train: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path, blocked: str
) -> None:
    (tmp_path / blocked).touch()
    ended = train("--dataset", "digits", "--epochs", 1).ended()
    assert (ended.status, ended.left) == (1, [])
    said = rf"The run failed\. cannot write '{tmp_path / blocked}/\S+': File exists; make room on that disk, or .*\n"
    assert re.fullmatch(said, ended.err)
    assert runs(tmp_path) == []
    assert (tmp_path / blocked).read_bytes() == b""

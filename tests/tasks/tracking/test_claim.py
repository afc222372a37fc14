"""Who holds a run's directory, and what becomes of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tasks.foundation.errors import StorageError
from tasks.tracking.claim import SETTLED, Claim, HeldError, claim, has_own_name, held_claim, lock_path, unsettled

ROOT = Path(__file__).parents[3]
HOLD = """
import sys
from pathlib import Path
from tasks.tracking.claim import claim
with claim(Path(sys.argv[1])) as claimed:
    claimed.state = "open"
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def left(state: str) -> Path:
    with claim() as claimed:
        claimed.state = state  # type: ignore[assignment]
        (claimed.directory / "file").touch()
    return claimed.directory


@contextmanager
def held_elsewhere(directory: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", HOLD, str(directory)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def refused(directory: Path) -> str:
    with pytest.raises(HeldError) as error, claim(directory):
        pass
    return str(error.value)


def test_a_directory_has_one_holder() -> None:
    with claim() as claimed:
        assert claimed.directory.is_dir()
        assert claimed.directory.parent == Path("runs").absolute()
        assert held_claim() is claimed
        assert refused(claimed.directory) == f"a live process holds {str(claimed.directory)!r}"
    assert held_claim() is None


def test_two_claims_are_of_two_directories() -> None:
    with claim() as first, claim() as second:
        assert first.directory != second.directory


def test_a_directory_is_free_again_once_its_holder_is_killed() -> None:
    directory = left("open")
    with held_elsewhere(directory) as process:
        refused(directory)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with claim(directory) as claimed:
            assert (claimed.directory / "file").exists()
            assert claimed.state == "open"


@pytest.mark.parametrize("state", ["empty", "finished"])
def test_what_is_of_no_more_use_is_deleted(state: str) -> None:
    assert not left(state).exists()
    assert list(Path("runs").iterdir()) == []  # nor is there a lock


def test_a_directory_that_was_half_deleted_is_deleted() -> None:
    directory = left("open")
    directory.rename(f"{directory}.finished")
    assert unsettled() == [directory]
    with claim(directory):
        pass
    assert list(Path("runs").iterdir()) == []


def test_what_mlflow_still_has_to_learn_of_is_kept_and_looked_after() -> None:
    directory = left("open")
    assert (directory / "file").exists()
    assert lock_path(directory).exists()
    with claim(directory) as claimed:
        assert claimed.state == "open"
    assert (directory / "file").exists()


def test_what_is_killed_while_it_is_resumed_is_looked_after() -> None:
    directory = left("settled")
    with held_elsewhere(directory) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert unsettled() == [directory]


def test_what_can_be_resumed_is_kept() -> None:
    directory = left("settled")
    assert (directory / SETTLED).exists()
    with claim(directory) as claimed:
        assert not (directory / SETTLED).exists()  # so that it is looked after, should this process be killed
        assert claimed.state == "settled"
    assert (directory / "file").exists()
    assert (directory / SETTLED).exists()


def test_a_fault_before_anything_was_done_deletes_nothing_that_was_there() -> None:
    directory = left("settled")

    def fail() -> Claim:
        with claim(directory):
            raise ValueError("bad input")

    with pytest.raises(ValueError, match="bad input"):
        fail()
    assert (directory / "file").exists()


def test_directories_are_looked_after_until_they_are_settled() -> None:
    left("settled")
    left("finished")
    directory = left("open")
    assert unsettled() == [directory]
    with claim() as claimed:
        assert set(unsettled()) == {directory, claimed.directory}


def test_a_folder_that_cannot_be_made_is_told() -> None:
    Path("runs").touch()
    with pytest.raises(StorageError, match=r"cannot write '.*runs/[0-9a-f]{32}': .*make the folder writable"), claim():
        pass
    assert unsettled() == []


def test_a_folder_that_is_not_ours_to_write_to_is_told() -> None:
    Path("runs").mkdir(mode=0o500)
    # A user who may write anywhere gives that up: nobody has number 65534.
    code = "import os; from tasks.tracking.claim import claim; os.geteuid() or os.setuid(65534)\nwith claim(): pass"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert re.search(r"StorageError: cannot write '.*runs/[0-9a-f]{32}': Permission denied", ran.stderr), ran.stderr


def test_a_folder_that_is_not_ours_to_look_into_is_told_by_whoever_claims_it(monkeypatch: pytest.MonkeyPatch) -> None:
    directory = left("open")

    def refuse(_path: Path) -> bool:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", refuse)
        assert unsettled() == [directory]


@pytest.mark.parametrize("name", ["copy", "0123456789abcdef0123456789abcdef-copy", "0" * 31, "F" * 32])
def test_a_copy_is_known_by_its_name(name: str) -> None:
    with claim() as claimed:
        assert has_own_name(claimed.directory)
    assert not has_own_name(Path("runs", name))


def test_the_lock_lies_beside_the_directory() -> None:
    assert lock_path(Path("runs/abc")) == Path("runs/abc.lock")

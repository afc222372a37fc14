"""Files that are whole or not there."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.foundation.durable_files import append_durably, replacing, storing, write_durably
from tasks.foundation.errors import StorageError

ROOT = Path(__file__).parents[3]


def run(code: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_durably(path, b"old")
    write_durably(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("point", ["json_half_written", "json_written"])
def test_a_writer_that_is_killed_leaves_the_old_file(tmp_path: Path, point: str) -> None:
    path = tmp_path / "run.json"
    write_durably(path, b"old")
    code = """
from pathlib import Path
from tasks.foundation.durable_files import write_durably
write_durably(Path("run.json"), b"new")
"""
    assert run(code, tmp_path, CRASH_AT=point).returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    write_durably(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_without_room_is_told_and_leaves_the_old_file(tmp_path: Path) -> None:
    for name, content in (("run.json", b"old"), ("outbox.jsonl", b"first\n")):
        (tmp_path / name).write_bytes(content)
    code = """
import resource
from pathlib import Path
from tasks.foundation.durable_files import append_durably, write_durably
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
for write, name in ((write_durably, "run.json"), (append_durably, "outbox.jsonl")):
    try:
        write(Path(name), b"x" * 1000 + b"\\n")
    except RuntimeError as error:
        print(error)
"""
    ran = run(code, tmp_path)
    assert ran.returncode == 0, ran.stderr
    first, second = ran.stdout.splitlines()
    assert first.startswith("cannot write 'run.json': File too large; make room on that disk")
    assert second.startswith("cannot write 'outbox.jsonl': ")
    assert (tmp_path / "run.json").read_bytes() == b"old"
    assert (tmp_path / "outbox.jsonl").read_bytes() == b"first\n"
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
def test_a_line_that_is_not_surely_on_the_disk_is_taken_back(
    tmp_path: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise error

    append_durably(tmp_path / "lines", b"one\n")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises((StorageError, KeyboardInterrupt)):
            append_durably(tmp_path / "lines", b"two\n")
    assert (tmp_path / "lines").read_bytes() == b"one\n"


def test_what_is_written_is_on_the_disk_before_it_is_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[tuple[str, bool]] = []
    path = tmp_path / "run.json"

    def fsync(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        flushed.append((kind, path.exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    write_durably(path, b"new")
    assert flushed == [("file", False), ("folder", True)]
    append_durably(path, b"line\n")
    assert flushed[2:] == [("file", True)]


def test_lines_are_added(tmp_path: Path) -> None:
    for line in (b"one\n", b"two\n"):
        append_durably(tmp_path / "lines", line)
    assert (tmp_path / "lines").read_bytes() == b"one\ntwo\n"


def test_only_faults_of_storing_are_turned_into_words(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot write .*: No such file or directory"), storing(tmp_path / "there"):
        (tmp_path / "nowhere" / "file").write_text("")
    with pytest.raises(ValueError, match="another"), storing(tmp_path):
        raise ValueError("another")


def fill(directory: Path, content: str) -> None:
    with replacing(directory) as unfinished:
        (unfinished / "file").write_text(content)
        assert unfinished != directory


def test_a_folder_is_replaced_whole(tmp_path: Path) -> None:
    directory = tmp_path / "parent" / "set"
    fill(directory, "old")
    (directory / "more").touch()
    for left_over in ("set.unfinished", "set.damaged"):  # by a process that was killed
        (directory.with_name(left_over) / "deeper").mkdir(parents=True)
    fill(directory, "new")
    assert [path.name for path in directory.parent.iterdir()] == ["set"]
    assert {path.name: path.read_text() for path in directory.iterdir()} == {"file": "new"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_a_folder_that_could_not_be_filled_leaves_the_old_one(tmp_path: Path, error: type[BaseException]) -> None:
    fill(tmp_path / "set", "old")

    def fail() -> None:
        with replacing(tmp_path / "set") as unfinished:
            (unfinished / "file").write_text("half")
            raise error

    with pytest.raises(StorageError if error is OSError else error):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
    assert (tmp_path / "set" / "file").read_text() == "old"

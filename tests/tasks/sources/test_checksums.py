"""The digest of a source's files: by their content, and read once for each state of them."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from tasks.sources import checksums
from tasks.sources.checksums import contents_digest


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "source"
    root.mkdir()
    (root / "a").write_bytes(b"first")
    (root / "b").write_bytes(b"second")
    return root


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read, and files of now count as old."""
    paths: list[Path] = []
    original = checksums.sha256
    monkeypatch.setattr(checksums, "sha256", lambda path: paths.append(path) or original(path))
    monkeypatch.setattr(checksums, "SETTLED_SECONDS", -60)
    return paths


def digest(root: Path) -> str:
    return contents_digest(root, sorted(root.iterdir()))


def test_what_has_not_changed_is_read_once(root: Path, read: list[Path]) -> None:
    assert digest(root) == digest(root)
    assert sorted(read) == [root / "a", root / "b"]


@pytest.mark.parametrize("damage", [b"", b"\xf6\x00", b"0a"])
def test_what_is_remembered_and_damaged_is_worked_out_anew(root: Path, read: list[Path], damage: bytes) -> None:
    first = digest(root)
    (remembered,) = Path("data").glob("*.checksum")
    remembered.write_bytes(damage)
    assert digest(root) == first
    assert len(read) == 4
    assert remembered.read_text() == first


def test_other_times_of_the_same_content_are_the_same(root: Path, read: list[Path]) -> None:
    first = digest(root)
    os.utime(root / "a", (1, 1))
    assert digest(root) == first
    assert len(read) == 4


def test_other_content_of_the_same_size_and_time_is_another(root: Path, read: list[Path]) -> None:
    first, before = digest(root), (root / "a").stat()
    time.sleep(0.02)  # more than one tick of the file system's clock
    (root / "a").write_bytes(b"FIRST")
    os.utime(root / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert digest(root) != first
    assert len(read) == 4


def test_many_files_are_digested_each_under_its_own_name(root: Path) -> None:
    for number in range(2 * checksums.CHUNK_FILES):
        file = root / f"folder {number % 3}" / str(number)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(bytes([number]))
    files = sorted(path for path in root.rglob("*") if path.is_file())
    # As sets that are prepared already are known by it.
    each = [[path.relative_to(root).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()] for path in files]
    assert contents_digest(root, files) == hashlib.sha256(json.dumps(each).encode()).hexdigest()


def test_another_name_is_another(root: Path) -> None:
    first = digest(root)
    (root / "a").rename(root / "c")
    assert digest(root) != first


def test_what_was_written_just_now_is_read_again(root: Path, tmp_path: Path) -> None:
    digest(root)
    assert list((tmp_path / "data").glob("*") if (tmp_path / "data").exists() else []) == []


def test_a_file_that_is_gone_is_named(root: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        contents_digest(root, [root / "gone"])
    assert error.value.filename == str(root / "gone")

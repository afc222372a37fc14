"""The locks and what `make` would do with them; nothing is set up here."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINUX_ON_X86 = platform.system() == "Linux" and platform.machine() == "x86_64"


def pinned(lock: str) -> dict[str, set[str]]:
    """Return the versions that a lock pins, by package: several where Pythons differ."""
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(
        r"^([a-z0-9-]+)(?:\[[a-z,-]+\])?==([^ ]+)", (ROOT / lock).read_text(), re.MULTILINE
    ):
        versions.setdefault(name, set()).add(version)
    return versions


def dry_run(*words: str, directory: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Return what make would run."""
    environment = {name: value for name, value in os.environ.items() if name not in ("GPU", "MAKEFLAGS")}
    command = ["make", "--dry-run", "--no-print-directory", *words]
    return subprocess.run(
        command, cwd=directory, env=environment | changes, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """What make reads of this checkout, set up without CUDA's libraries."""
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "requirements-gpu.txt"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / ".venv").mkdir()
    for stamp in re.findall(
        r"touch (\.venv/\.(?:runtime|development)-\d+)", dry_run("test", directory=tmp_path).stdout
    ):
        (tmp_path / stamp).touch()
    return tmp_path


@pytest.mark.parametrize("lock", ["requirements-dev.txt", "requirements-gpu.txt"])
def test_a_lock_that_is_added_pins_what_the_runtime_lock_pins(lock: str) -> None:
    runtime, added = pinned("requirements.txt"), pinned(lock)
    assert (both := runtime.keys() & added.keys())
    assert {name: added[name] for name in both} == {name: runtime[name] for name in both}


def test_the_gpu_lock_brings_cuda_and_nothing_else() -> None:
    new = pinned("requirements-gpu.txt").keys() - pinned("requirements.txt").keys()
    assert {"nvidia-cudnn-cu12", "nvidia-cublas-cu12", "nvidia-cuda-runtime-cu12"} <= new
    assert all(name.startswith("nvidia-") for name in new)


def test_without_gpu_nothing_is_added_to_what_is_set_up(copy: Path) -> None:
    commands = dry_run("train", "test", directory=copy).stdout.splitlines()
    assert [command.split(" ", 1)[0] for command in commands] == [".venv/bin/python"] * 2
    assert not re.search("install|pip", "".join(commands))


@pytest.mark.skipif(not LINUX_ON_X86, reason="GPU=1 is refused on this platform")
@pytest.mark.parametrize(
    "target", ["train", "compare", "ui", "deploy", "worker", "test", "bench", "pictures", "profile"]
)
def test_gpu_adds_its_lock_before_any_target_and_keeps_all_else(target: str, copy: Path) -> None:
    commands = dry_run(target, "GPU=1", directory=copy).stdout
    assert re.search(r"pip install .*--no-deps --require-hashes .*--requirement requirements-gpu\.txt", commands)
    assert not re.search(r"requirements(-dev)?\.txt", commands)


@pytest.mark.skipif(not LINUX_ON_X86, reason="GPU=1 is refused on this platform")
def test_what_gpu_added_stays_complete_and_up_to_date_without_it(copy: Path) -> None:
    stamp = re.findall(r"touch (\.venv/\.cuda-\d+)", dry_run("train", "GPU=1", directory=copy).stdout)[0]
    (copy / stamp).touch()
    assert "install" not in dry_run("train", directory=copy).stdout
    (copy / stamp).rename(copy / ".venv/.cuda-begun")  # the set-up was interrupted
    assert "requirements-gpu.txt" in dry_run("train", directory=copy).stdout
    (copy / "requirements.txt").write_text("# other releases\n")
    assert re.search("requirements.txt(.|\n)*requirements-gpu.txt", dry_run("train", directory=copy).stdout)


def test_another_value_of_gpu_is_refused_in_words(copy: Path) -> None:
    refused = dry_run("train", directory=copy, GPU="yes")
    assert refused.returncode
    assert 'GPU is "yes"; give GPU=1 to add the libraries for NVIDIA GPUs' in refused.stderr


def test_a_platform_without_these_libraries_is_refused_in_words(copy: Path) -> None:
    (tools := copy / "tools").mkdir()
    (uname := tools / "uname").write_text("#!/bin/sh\necho Darwin arm64\n")
    uname.chmod(0o755)
    refused = dry_run("train", "GPU=1", directory=copy, PATH=f"{tools}:{os.environ['PATH']}")
    assert refused.returncode
    assert "GPU=1 needs Linux on an x86_64 processor, and this is Darwin arm64" in refused.stderr

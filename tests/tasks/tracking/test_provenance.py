"""What a run was made with: the commit of the checkout, the versions, the user."""

from __future__ import annotations

import getpass
import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tasks.tracking import provenance
from tasks.tracking.provenance import provenance_tags

GIT = {"mlflow.source.git.commit", "git.commit", "git.dirty"}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of its own, out of which the code seems to run."""
    file = tmp_path / "tasks" / "tracking" / "provenance.py"
    file.parent.mkdir(parents=True)
    file.write_text("# this file\n")
    (tmp_path / ".gitignore").write_text("ignored.txt\n")
    monkeypatch.setattr(provenance, "__file__", str(file))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # set where the tests run from a git hook
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def git(checkout: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org", "-c", "commit.gpgsign=false")
    command = ["git", "-C", str(checkout), *identity, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(checkout: Path) -> str:
    git(checkout, "init")
    git(checkout, "add", ".")
    git(checkout, "commit", "--no-verify", "-m", "First")
    return git(checkout, "rev-parse", "HEAD")


def test_a_clean_checkout_is_named_by_its_commit(checkout: Path) -> None:
    head = commit(checkout)
    (checkout / "ignored.txt").write_text("ignored")
    tags = provenance_tags()
    assert {name: tags[name] for name in GIT} == {
        "mlflow.source.git.commit": head,
        "git.commit": head,
        "git.dirty": "false",
    }


@pytest.mark.parametrize("path", ["tasks/tracking/provenance.py", "tasks/new.py"])
def test_a_changed_checkout_is_dirty(checkout: Path, path: str) -> None:
    head = commit(checkout)
    (checkout / path).write_text("# changed\n")
    tags = provenance_tags()
    assert (tags["git.commit"], tags["git.dirty"]) == (head, "true")


def test_outside_of_a_checkout_there_is_no_commit(checkout: Path) -> None:
    assert checkout.is_dir()
    assert not GIT & set(provenance_tags())


def test_a_checkout_without_a_commit_is_no_fault(checkout: Path) -> None:
    git(checkout, "init")
    assert not GIT & set(provenance_tags())


def test_a_machine_without_git_is_no_fault(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(checkout)
    monkeypatch.setenv("PATH", "")
    assert not GIT & set(provenance_tags())


def test_versions_are_those_that_are_installed() -> None:
    tags = provenance_tags()
    assert tags["version.python"] == platform.python_version()
    for package in ("tensorflow", "keras", "prefect", "mlflow", "tensorflow-datasets", "numpy"):
        assert tags[f"version.{package}"] == version(package)


EPYC = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC
stepping\t: 1
flags\t\t: fpu sse2 fma avx f16c avx2 avx512f sha_ni avx512_vnni
bugs\t\t: avx512_bf16

processor\t: 1
model name\t: another
"""
GRAVITON = """processor\t: 0
BogoMIPS\t: 2100.00
Features\t: fp asimd evtstrm asimddp sve i8mm bf16
CPU implementer\t: 0x41
CPU variant\t: 0x1
CPU part\t: 0xd40
"""


@pytest.mark.parametrize(
    ("told", "processor", "instructions"),
    [
        (EPYC, "AMD EPYC (cpu family 25, model 17, stepping 1)", "avx avx2 fma avx512f avx512_vnni"),
        (
            GRAVITON,
            "aarch64 (CPU implementer 0x41, CPU part 0xd40, CPU variant 0x1)",
            "asimd asimddp sve bf16 i8mm",
        ),
        ("nothing that is known\n", "aarch64", "unknown"),
        (None, "aarch64", "unknown"),  # not Linux
    ],
)
def test_the_kind_of_processor_is_told_with_what_decides_its_last_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None, processor: str, instructions: str
) -> None:
    if told is not None:
        (tmp_path / "cpuinfo").write_text(told)
    monkeypatch.setattr(provenance, "PROCESSORS", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    tags = provenance_tags()
    assert (tags["processor"], tags["processor.instructions"]) == (processor, instructions)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system tells less")
def test_this_processor_is_known() -> None:
    assert provenance_tags()["processor.instructions"] != "unknown"


def test_the_user_is_named_even_where_the_machine_does_not_know_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "somebody")
    assert provenance_tags()["mlflow.user"] == "somebody"

    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 1000")

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert provenance_tags()["mlflow.user"] == "unknown"

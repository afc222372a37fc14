"""What a run was made with, where, and by whom, as tags."""

from __future__ import annotations

import getpass
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("tensorflow", "keras", "prefect", "mlflow", "tensorflow-datasets", "numpy")


# What TensorFlow and oneDNN choose their kernels by: another set sums in another order.
INSTRUCTIONS = (
    *("avx", "avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
    *("amx_tile", "amx_bf16", "amx_int8"),
    *("asimd", "asimddp", "sve", "sve2", "bf16", "i8mm"),  # Arm's
)
KIND_NUMBERS = ("cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU variant")
PROCESSORS = Path("/proc/cpuinfo")  # of Linux


def provenance_tags() -> dict[str, str]:
    """Return user, versions, kind of processor, and the commit of the checkout that this code runs from."""
    source = {"mlflow.source.name": "flows/train.py", "mlflow.source.type": "LOCAL"}
    return {"mlflow.user": user(), **source, **_version_tags(), **_processor_tags(), **_git_tags()}


def user() -> str:
    """Return who runs this process, by the name that the system has for them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that belongs to no user
        return "unknown"


def _version_tags() -> dict[str, str]:
    versions = {"python": platform.python_version()} | {package: version(package) for package in PACKAGES}
    return {f"version.{name}": value for name, value in versions.items()}


def _processor_tags() -> dict[str, str]:
    """Return the kind of the first processor, and which of ``INSTRUCTIONS`` it has, as far as the system tells."""
    try:
        lines = PROCESSORS.read_text(errors="replace").partition("\n\n")[0].splitlines()
    except OSError:
        lines = []
    said = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    name = said.get("model name") or platform.processor() or platform.machine() or "unknown"
    # One name may stand for many kinds, on rented machines above all.
    numbers = [f"{number} {said[number]}" for number in KIND_NUMBERS if number in said]
    flags = (said.get("flags") or said.get("Features") or "").split()
    instructions = " ".join(each for each in INSTRUCTIONS if each in flags)
    return {
        "processor": f"{name} ({', '.join(numbers)})" if numbers else name,
        "processor.instructions": instructions or "unknown",
    }


def _git_tags() -> dict[str, str]:
    """Return the commit and whether the tree was dirty; nothing outside of a checkout or without git."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return {}

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        commit, changes = git("rev-parse", "HEAD"), git("status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"mlflow.source.git.commit": commit, "git.commit": commit, "git.dirty": str(bool(changes)).lower()}

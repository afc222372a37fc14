"""What a run was made with and by whom, as tags."""

from __future__ import annotations

import getpass
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("tensorflow", "keras", "prefect", "mlflow", "tensorflow-datasets", "numpy")


def provenance_tags() -> dict[str, str]:
    """Return user, versions, and the commit of the checkout that this code runs from."""
    source = {"mlflow.source.name": "flows/train.py", "mlflow.source.type": "LOCAL"}
    return {"mlflow.user": _user(), **source, **_version_tags(), **_git_tags()}


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that belongs to no user
        return "unknown"


def _version_tags() -> dict[str, str]:
    versions = {"python": platform.python_version()} | {package: version(package) for package in PACKAGES}
    return {f"version.{name}": value for name, value in versions.items()}


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

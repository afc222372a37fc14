"""What a team runs: the deployments of prefect.yaml on the Prefect API, and a worker that serves them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import yaml
from rich.console import Console

from flows.servers.prefect_api import lasting_api
from tasks.foundation.errors import InputError, PlainError
from tasks.foundation.secrets_in_addresses import without_secrets
from tasks.terminal.messages import say

WORK_POOL = "local"


def deploy(console: Console) -> None:
    """Make the work pool, unless it is there, and all deployments, on the API that is configured or running.

    Raises:
        InputError: there is no API that stays.
        PlainError: Prefect has refused something.
    """
    url = lasting_api()
    # An existing pool keeps what a team has set there.
    if _prefect(url, "work-pool", "inspect", WORK_POOL).returncode:
        _require(_prefect(url, "work-pool", "create", WORK_POOL, "--type", "process"))
    _require(_prefect(url, "--no-prompt", "deploy", "--all"))
    shown = without_secrets(url)
    say(
        console,
        f"Deployed to {shown}: {', '.join(_names())}\n\nA worker does the work; let it run:\n  make worker\n"
        f"Then ask:\n  export PREFECT_API_URL={shown} PATH=$PWD/.venv/bin:$PATH\n"
        "  prefect deployment run train/digits --param optimizer=adam --watch",
    )


def work(limit: int) -> None:
    """Become a worker that runs at most ``limit`` flow runs at a time, until it is interrupted.

    Raises:
        InputError: there is no API that stays, or the limit is none.
    """
    if limit < 1:
        raise InputError(f"--limit: received {limit}; allowed: at least 1")
    command = _command("worker", "start", "--pool", WORK_POOL, "--limit", str(limit))
    os.execve(sys.executable, command, {**os.environ, "PREFECT_API_URL": lasting_api()})  # noqa: S606 - no shell


def _names() -> list[str]:
    entries = yaml.safe_load(Path("prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    return [f"{entry['entrypoint'].rpartition(':')[2]}/{entry['name']}" for entry in entries]


def _prefect(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PREFECT_API_URL": url}
    return subprocess.run(_command(*arguments), check=False, env=environment, capture_output=True, text=True)


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "prefect", *arguments]


def _require(ended: subprocess.CompletedProcess[str]) -> None:
    if ended.returncode:
        raise PlainError(f"Prefect says:\n{ended.stdout}{ended.stderr}")

"""What a team runs: the deployments of prefect.yaml on the Prefect API, and a worker that serves them."""

from __future__ import annotations

import os
import subprocess
import sys

from rich.console import Console

from flows.api import lasting_api
from flows.terminal import say
from tasks.errors import InputError, PlainError

WORK_POOL = "local"


def deploy(console: Console) -> None:
    """Make the work pool, unless it is there, and all deployments, on the API that is configured or running.

    Raises:
        InputError: there is no API that stays.
        PlainError: Prefect has refused something.
    """
    url = lasting_api()
    # An existing pool keeps what a team has set there.
    if not _prefect(url, "work-pool", "inspect", WORK_POOL, quiet=True):
        _require(_prefect(url, "work-pool", "create", WORK_POOL, "--type", "process"))
    _require(_prefect(url, "--no-prompt", "deploy", "--all"))
    say(
        console,
        f"Deployed to {url}. Start a worker, which does the work: make worker\n"
        f"Then: export PREFECT_API_URL={url} PATH=$PWD/.venv/bin:$PATH\n"
        "      prefect deployment run train/digits --param optimizer=adam --watch",
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


def _prefect(url: str, *arguments: str, quiet: bool = False) -> bool:
    environment = {**os.environ, "PREFECT_API_URL": url}
    streams = subprocess.DEVNULL if quiet else None
    ended = subprocess.run(_command(*arguments), check=False, env=environment, stdout=streams, stderr=streams)
    return ended.returncode == 0


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "prefect", *arguments]


def _require(done: bool) -> None:  # noqa: FBT001 - what `_prefect` says
    if not done:
        raise PlainError("Prefect has said above what is wrong; mend it, and deploy again")

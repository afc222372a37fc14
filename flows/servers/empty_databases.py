"""The last step of the set-up: go through the migrations of Prefect and MLflow once, so that no first run has to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tasks.tracking.databases import keep_empty


def keep_empty_databases() -> None:
    """Make an empty database of Prefect and one of MLflow, and keep both beside the packages.

    Raises:
        RuntimeError: one of them could not be made; the message has what was written.
    """
    with TemporaryDirectory() as directory:
        prefect, mlflow = Path(directory, "prefect.db"), Path(directory, "mlflow.db")
        settings = {
            "PREFECT_HOME": directory,
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{prefect}",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        upgrades = [
            _start(["prefect", "server", "database", "upgrade", "--yes"], settings),
            _start(["mlflow", "db", "upgrade", f"sqlite:///{mlflow}"], settings),
        ]
        for upgrade in upgrades:
            written, _ = upgrade.communicate()
            if upgrade.returncode:
                raise RuntimeError(f"{upgrade.args!r} ended with status {upgrade.returncode}:\n{written}")
        keep_empty("prefect", prefect)
        keep_empty("mlflow", mlflow)


def _start(command: list[str], settings: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


if __name__ == "__main__":
    keep_empty_databases()

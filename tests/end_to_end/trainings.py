"""Trainings that are killed, each in a process forked off one that has imported everything."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

from tests.end_to_end.recorded import Recorded, recorded, weights
from tests.forked import Forks

MODULES = (
    *("flows.__main__", "flows.api", "flows.train", "flows.resume", "flows.reconcile", "flows.terminal"),
    *("tasks.device", "mlflow.keras", "sklearn.datasets"),
)
COMMAND = """
import atexit
from flows.__main__ import main
status = main({arguments})
atexit._run_exitfuncs()  # Prefect sends its last events then
assert status == 0, status
"""


class Trainings:
    """Commands in one working directory, with a store and a Prefect API that are there already."""

    def __init__(self, forks: Forks, directory: Path, prefect_api: str, empty_store: Path) -> None:
        self._forks = forks
        self._prefect_api = prefect_api
        self.directory = directory
        shutil.copy(empty_store, directory / "mlflow.db")
        self.store = f"sqlite:///{directory / 'mlflow.db'}"
        self._names: set[str] = set()

    def start(self, *arguments: object, **environment: str) -> int:
        code = COMMAND.format(arguments=json.dumps([str(argument) for argument in arguments]))
        return self._forks.start(code, self.directory, **environment)

    def status(self, pid: int) -> int:
        """Wait until a process has ended, and remember the runs whose directories it left."""
        status = self._forks.status(pid)
        self._names |= {path.name.partition(".")[0] for path in (self.directory / "runs").glob("*")}
        return status

    def run(self, *arguments: object) -> None:
        assert self.status(self.start(*arguments)) == 0, self.output()

    def output(self) -> str:
        return (self.directory / "output").read_text()

    def runs(self) -> list[Any]:
        """All runs of the store, oldest first."""
        from mlflow import MlflowClient

        client = MlflowClient(self.store)
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        return list(client.search_runs(experiments, order_by=["attributes.start_time"]))

    def finish(self, *training: object) -> None:
        """Do what a person would do after a crash: go on with the run that there is, or start it."""
        runs = self.runs()
        if not runs:
            self.run("train", *training)
        elif runs[-1].info.status == "FINISHED":
            self.run("reconcile")
        else:
            self.status(self.start("train", "--resume", runs[-1].info.run_id))
            # Killed when it had trained and not yet sent all, it has nothing left to do but that, and says so.
            assert [run.info.status for run in self.runs()] == ["FINISHED"], self.output()

    def read(self, run_id: str) -> tuple[Recorded, dict[str, np.ndarray]]:
        run = recorded(self.store, run_id)
        return run, weights(self.directory / "mlartifacts", run)

    def going_on_in_prefect(self) -> list[tuple[str, str]]:
        """Flow runs and task runs of this directory that have not ended, with their states."""
        body = {"flow_runs": {"tags": {"any_": [f"runs/{name}" for name in self._names]}}}
        found = [
            each
            for kind in ("flow_runs", "task_runs")
            for each in httpx.post(f"{self._prefect_api}/{kind}/filter", json=body).raise_for_status().json()
        ]
        assert found
        final = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
        return [(each["name"], each["state_type"]) for each in found if each["state_type"] not in final]

    def assert_nothing_is_left(self) -> None:
        assert sorted((self.directory / "runs").iterdir()) == []
        assert self.going_on_in_prefect() == []
        assert [path for path in (self.directory / "data").iterdir() if path.suffix not in ("", ".lock")] == []


@contextmanager
def forks_for_trainings(environment: Mapping[str, str], prefect_api: str) -> Iterator[Forks]:
    settings = {"TF_CPP_MIN_LOG_LEVEL": "2", "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true"}
    with Forks(*MODULES, environment={**environment, **settings, "PREFECT_API_URL": prefect_api}) as forks:
        yield forks


def kill(pid: int) -> None:
    """Kill a process, unless it has ended."""
    if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        os.kill(pid, signal.SIGKILL)

"""Trainings that are killed, and what must be left of them in the end."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from tasks.data.prepared import load_prepared
from tests.support.prefect_api import ask
from tests.support.preloaded import Preloaded
from tests.support.recorded import Recorded, recorded, weights
from tests.support.running import Ended, Running

FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


class Trainings:
    """Commands in one working directory, with a store and a Prefect API that are there already."""

    def __init__(self, preloaded: Preloaded, directory: Path, empty_store: Path) -> None:
        self._preloaded = preloaded
        self.directory = directory
        shutil.copy(empty_store, directory / "mlflow.db")
        self._store = f"sqlite:///{directory / 'mlflow.db'}"
        self._claims: set[str] = set()
        self._flow_runs: set[str] = set()

    def start(self, *arguments: object, **settings: str) -> Running:
        words = ["-m", "flows", *map(str, arguments)]
        return Running(words, self.directory, {**self._preloaded.environment, **settings}, self._preloaded.start)

    def ended(self, running: Running) -> Ended:
        """Wait until a process has ended, and remember the directories that it left, and its flow runs."""
        ended = running.ended()
        self._claims |= {path.name.partition(".")[0] for path in (self.directory / "runs").glob("*")}
        self._flow_runs |= {run.data.tags["prefect.flow_run_id"] for run in self.runs()}
        return ended

    def run(self, *arguments: object) -> None:
        ended = self.ended(self.start(*arguments))
        assert (ended.status, ended.left) == (0, []), ended

    def runs(self) -> list[Any]:
        """All runs of the store, oldest first."""
        from mlflow import MlflowClient

        client = MlflowClient(self._store)
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        return list(client.search_runs(experiments, order_by=["attributes.start_time"]))

    def modules_named(self) -> list[str]:
        """What runs that did not finish have in their files of this code's modules, but for what is made anew."""
        left = [path for path in (self.directory / "runs").rglob("*") if path.is_file() and path.suffix != ".keras"]
        named = [re.findall(rb"(?:flows|tasks|study|models|served_model)\.[a-z_]+", path.read_bytes()) for path in left]
        return [name.decode() for names in named for name in names]

    def finish(self, *training: object) -> None:
        """Do what a person would do after a crash: go on with the run that there is, or start it."""
        runs = self.runs()
        if not runs:
            self.run("train", *training)
        elif runs[-1].info.status == "FINISHED" or self._only_to_be_sent():
            self.run("reconcile")
        else:
            self.run("train", "--resume", runs[-1].info.run_id)

    def _only_to_be_sent(self) -> bool:
        """Whether the run was at its end, and MLflow only has to be told: its outbox is behind the training."""
        journals = (self.directory / "runs").glob("*/outbox.jsonl")
        return any('"kind":"end","status":"FINISHED"' in journal.read_text() for journal in journals)

    def assert_as_if_undisturbed(self, undisturbed: tuple[Recorded, dict[str, np.ndarray]], epochs: int) -> None:
        """All that is left is the one finished run, as it would have been, to the last bit."""
        expected, expected_model = undisturbed
        run, model = self.read()
        run.assert_complete(epochs)
        assert run.learning == expected.learning
        assert {name: array.tobytes() for name, array in model.items()} == {
            name: array.tobytes() for name, array in expected_model.items()
        }
        assert sorted((self.directory / "runs").iterdir()) == []
        states = self.states_in_prefect()
        assert states
        assert set(states) <= set(FINAL)  # CRASHED where the process had done all but end
        (data,) = [path for path in (self.directory / "data").iterdir() if path.suffix != ".lock"]
        load_prepared(data)  # checks every file

    def read(self) -> tuple[Recorded, dict[str, np.ndarray]]:
        """Read the only run, and the weights of its model."""
        (run,) = self.runs()
        found = recorded(self._store, run.info.run_id)
        return found, weights(self.directory / "mlartifacts", found)

    def states_in_prefect(self) -> list[str]:
        """The states of all flow runs of this directory, and of their task runs."""
        # A directory's name is a tag of its flow run until MLflow names that.
        by_tag = {"tags": {"any_": [f"runs/{claim}" for claim in self._claims]}}
        ways = [
            way for way in (by_tag, {"id": {"any_": list(self._flow_runs)}}) if any(next(iter(way.values())).values())
        ]
        api = self._preloaded.environment["PREFECT_API_URL"]
        found = [
            each
            for kind in ("flow_runs", "task_runs")
            for way in ways
            for each in ask("POST", f"{api}/{kind}/filter", {"flow_runs": way})
        ]
        return [each["state_type"] for each in found]

"""The same parameters give the same weights: in a training, in a trial of a comparison, and on one core of several."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.comparisons import trials_of
from tests.support.running import Running

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]

# With as many threads as cores, trainings on one core and on two part in the fifth epoch of these, or before.
EPOCHS = 6
SAME = ("--dataset", "digits", "--epochs", EPOCHS)
ON_ONE_CORE = """
import os, runpy, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # as taskset does
runpy.run_module("flows", run_name="__main__", alter_sys=True)
"""


def weights_by_epoch(directory: Path, run_id: str) -> dict[str, str]:
    """What MLflow has of a run's weights."""
    (path,) = directory.glob(f"mlartifacts/**/{run_id}/artifacts/weights_by_epoch.json")
    found: dict[str, str] = json.loads(path.read_text())
    assert list(found) == [str(epoch) for epoch in range(1, EPOCHS + 1)]
    return found


def result_of(running: Running) -> dict[str, Any]:
    ended = running.ended()
    assert ended.status == 0, ended
    result: dict[str, Any] = json.loads(ended.out)
    return result


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system gives a process no cores of its own")
def test_a_training_and_a_trial_are_equal_bit_for_bit_whatever_cores_there_are(
    train: Callable[..., Running],
    compare: Callable[..., Running],
    start: Callable[..., Running],
    prefect_api: str,
    tmp_path: Path,
) -> None:
    alone = result_of(train(*SAME, "--json"))
    words = ("train", *SAME, "--json")
    one_core = result_of(start("-c", ON_ONE_CORE, *words, PREFECT_API_URL=prefect_api))
    varied = ("--optimizers", "momentum", "--learning-rates", 0.01, "--seeds", 1, "--looks", "none")
    (trial,) = trials_of(tmp_path, result_of(compare(*SAME, *varied, "--json"))["study"])

    weights = weights_by_epoch(tmp_path, alone["run_id"])
    assert [row["weights_sha256"] for row in alone["epochs"]] == list(weights.values())
    assert weights_by_epoch(tmp_path, one_core["run_id"]) == weights
    assert weights_by_epoch(tmp_path, trial.info.run_id) == weights
    assert alone["parameters"]["threads"] == 1
    assert trial.data.params["threads"] == "1"
    assert one_core["test"] == alone["test"]


@pytest.mark.slow
def test_more_threads_are_recorded(
    train: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    result = result_of(train("--dataset", "digits", "--limit-examples", 300, "--epochs", 1, "--threads", 2, "--json"))
    (run,) = runs(tmp_path)
    assert (result["parameters"]["threads"], run.data.params["threads"]) == (2, "2")

"""A comparison whose processes are killed: what ends, what stays, and that the rest can be run."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.comparisons import LONG, SECONDS, SHORT, learning_of, running_trials, studies_of, trials_of
from tests.support.prefect_api import ask
from tests.support.running import Running, wait_for

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]


@pytest.mark.slow
def test_a_worker_that_is_killed_is_replaced_and_its_trial_goes_on(
    compare: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    running = compare(*LONG, "--json")
    victim = wait_for(lambda: running_trials(tmp_path, runs), "a trial in its epochs")[0]
    psutil.Process(int(victim.data.tags["run.process"])).kill()
    ended = running.ended()
    assert (ended.status, ended.left) == (0, []), ended
    result = json.loads(ended.out)
    assert result["trials"] == {"ended": 4, "completed": 4, "diverged": 0, "failed": 0}
    assert len(learning_of(tmp_path, result["study"])) == 4
    assert {run.info.status for run in trials_of(tmp_path, result["study"])} == {"FINISHED"}
    assert victim.info.run_id in {run.info.run_id for run in trials_of(tmp_path, result["study"])}  # it went on


@pytest.mark.slow
def test_nothing_outlives_a_comparison_that_is_killed_and_the_rest_can_be_run(
    compare: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    running = compare(*LONG)
    running.printed("Trial 1 of 4")
    wait_for(lambda: running_trials(tmp_path, runs), "a trial in its epochs")
    running.process.kill()
    killed = time.monotonic()
    wait_for(lambda: not running.processes(), "its processes to end", SECONDS)
    assert time.monotonic() - killed < SECONDS
    (study,) = studies_of(tmp_path, runs)
    finished = {run.info.run_id: run.info.end_time for run in runs(tmp_path) if run.info.status == "FINISHED"}
    ended = compare("--resume", study.info.run_id, "--json").ended()
    assert (ended.status, ended.left) == (0, []), ended
    after = {run.info.run_id: run.info.end_time for run in runs(tmp_path)}
    assert finished.items() <= after.items()
    assert "Tuning: 4 trials" not in ended.err
    assert len(learning_of(tmp_path, study.info.run_id)) == 4
    assert {run.info.status for run in runs(tmp_path)} == {"FINISHED"}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_comparison_stops_its_workers_and_keeps_what_is_done(
    number: int, compare: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path, prefect_api: str
) -> None:
    running = compare(*LONG)
    running.printed("Trial 1 of 4")
    trials = wait_for(lambda: running_trials(tmp_path, runs), "a trial in its epochs")
    for process in [running.process, *psutil.Process(running.process.pid).children(recursive=True)]:
        if number == signal.SIGINT:  # from a terminal it goes to all of them
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                process.send_signal(number)
    if number == signal.SIGTERM:
        running.process.send_signal(number)
    workers = [int(trial.data.tags["run.process"]) for trial in trials]
    wait_for(lambda: not any(map(psutil.pid_exists, workers)), "its workers to end", SECONDS)
    running.exited()
    wait_for(lambda: not running.processes(), "what it started to end", SECONDS)
    ended = running.ended()
    assert ended.status == (130 if number == signal.SIGINT else 128 + number)
    assert "python -m flows compare --resume" in ended.out
    statuses = Counter(run.info.status for run in runs(tmp_path))
    assert set(statuses) == {"FINISHED", "KILLED"}
    assert statuses["FINISHED"] >= 1
    (study,) = studies_of(tmp_path, runs)
    assert study.info.status == "KILLED"
    only = {"flow_runs": {"id": {"any_": [run.data.tags["prefect.flow_run_id"] for run in runs(tmp_path)]}}}
    for kind in ("flow_runs", "task_runs"):
        states = ask("POST", f"{prefect_api}/{kind}/filter", only)
        assert {each["state_type"] for each in states} <= {"COMPLETED", "CRASHED", "CANCELLED", "FAILED"}
    if number == signal.SIGINT:  # going on is the same after either
        ended = compare("--resume", study.info.run_id, "--json").ended()
        assert ended.status == 0, ended
        assert len(learning_of(tmp_path, study.info.run_id)) == 4


@pytest.mark.slow
def test_three_failures_in_a_row_end_it(
    compare: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    ended = compare(*SHORT, CRASH_AT="epoch_trained").ended()
    assert ended.status == 1
    assert "3 trials in a row failed" in ended.err
    assert "its worker died, twice" in ended.out
    assert ended.left == []
    (study,) = studies_of(tmp_path, runs)
    assert study.info.status == "FAILED"
    assert {run.info.status for run in trials_of(tmp_path, study.info.run_id)} <= {"FAILED", "KILLED"}
    ended = compare("--resume", study.info.run_id, "--json").ended()
    assert ended.status == 0, ended
    assert len(learning_of(tmp_path, study.info.run_id)) == 4


@pytest.mark.slow
def test_a_cluster_outlives_a_comparison_that_is_killed_but_its_trials_do_not(
    compare: Callable[..., Running], runs: Callable[..., list[Any]], dask_address: str, tmp_path: Path
) -> None:
    running = compare(*LONG[:-2], "--dask-address", dask_address)
    (trial, *_) = wait_for(lambda: running_trials(tmp_path, runs), "a trial in its epochs")
    running.process.kill()
    wait_for(lambda: not running_trials(tmp_path, runs), "its trials to end", SECONDS)
    assert psutil.pid_exists(int(trial.data.tags["run.process"]))
    assert "KILLED" in {run.info.status for run in runs(tmp_path)}

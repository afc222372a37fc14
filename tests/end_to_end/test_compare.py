"""A comparison as people run it: what it records, and what becomes of it when processes are killed."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.end_to_end.recorded import EPOCH_METRICS, LEARNING, recorded
from tests.end_to_end.running import Running, free_port, wait_for

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]

SMALL = ("--dataset", "digits", "--limit-examples", 300, "--optimizers", "sgd,adam", "--learning-rates", 0.01)
SHORT = (*SMALL, "--epochs", 2, "--seeds", 2, "--target", 0.5)
LONG_EPOCHS = 60
LONG = (*SMALL, "--epochs", LONG_EPOCHS, "--seeds", 2, "--workers", 2)
SECONDS = 10  # from a signal until nothing of a comparison is left


@pytest.fixture
def compare(start: Callable[..., Running], prefect_api: str, tmp_path: Path) -> Callable[..., Running]:
    """Start ``python -m flows compare`` with the shared Prefect server."""

    def compare_with(*arguments: object, directory: Path = tmp_path, **changes: str) -> Running:
        return start(
            "-m", "flows", "compare", *arguments, directory=directory, **{"PREFECT_API_URL": prefect_api, **changes}
        )

    return compare_with


@pytest.fixture(scope="module")
def done() -> dict[str, Any]:
    """The comparison that nothing happens to, once there is one."""
    return {}


@pytest.fixture
def undisturbed(
    done: dict[str, Any], compare: Callable[..., Running], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """A comparison that nothing happened to: its directory, what it printed, and its result."""
    if not done:
        directory = tmp_path_factory.mktemp("undisturbed")
        ended = compare(*SHORT, "--json", directory=directory).ended()
        assert (ended.status, ended.left) == (0, []), ended
        done.update(directory=directory, err=ended.err, result=json.loads(ended.out))
    return done


def store(directory: Path) -> str:
    return f"sqlite:///{directory / 'mlflow.db'}"


def trials_of(directory: Path, study: str) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(store(directory))
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return list(client.search_runs(experiments, f"tags.study = '{study}'"))


def studies_of(directory: Path, runs: Callable[..., list[Any]]) -> list[Any]:
    return [run for run in runs(directory) if run.data.tags["run.flow"] == "compare"]


def running_trials(directory: Path, runs: Callable[..., list[Any]]) -> list[Any]:
    """The trials that have finished an epoch, and go on."""
    return [
        run
        for run in runs(directory)
        if run.data.tags["run.flow"] == "train" and run.info.status == "RUNNING" and "train/loss" in run.data.metrics
    ]


def learning_of(directory: Path, study: str) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """What each trial has learned, by its name; exactly one run of each has finished, and has each point once."""
    finished = [run for run in trials_of(directory, study) if run.info.status == "FINISHED"]
    assert max(Counter(run.data.tags["trial"] for run in finished).values()) == 1
    learned = {}
    for run in finished:
        read = recorded(store(directory), run.info.run_id)
        epochs = int(run.data.params["epochs"])
        for name in EPOCH_METRICS:
            assert [step for step, _ in read.points[name]] == list(range(1, epochs + 1)), name
        for points in read.points.values():
            assert len({step for step, _ in points}) == len(points)
        learned[run.info.run_name] = {
            name: points
            for name, points in read.points.items()
            if name.startswith(LEARNING) and not name.startswith("test/")
        }
    return learned


def test_every_combination_is_trained_once_and_recorded_as_a_child(undisturbed: dict[str, Any]) -> None:
    result, directory = undisturbed["result"], undisturbed["directory"]
    trials = trials_of(directory, result["study"])
    assert sorted(
        (run.data.tags["optimizer"], run.data.tags["seed"], run.data.tags["learning_rate"]) for run in trials
    ) == [(optimizer, seed, "0.01") for optimizer in ("adam", "sgd") for seed in ("0", "1")]
    for run in trials:
        assert run.info.status == "FINISHED"
        assert run.data.tags["mlflow.parentRunId"] == result["study"]
        assert run.data.tags["loss"] == "softmax_cross_entropy"
    assert len(learning_of(directory, result["study"])) == 4
    assert list((directory / "runs").iterdir()) == []


def test_only_the_chosen_setting_has_seen_the_test_split(undisturbed: dict[str, Any]) -> None:
    result = undisturbed["result"]
    tested = {
        (run.data.tags["optimizer"], run.data.metrics["test/accuracy"])
        for run in trials_of(undisturbed["directory"], result["study"])
        if "test/accuracy" in run.data.metrics
    }
    assert {optimizer for optimizer, _ in tested} == {result["contenders"][0]["optimizer"]}
    assert result["test"]["seeds"] == 2
    assert result["test"]["test/accuracy"] == pytest.approx(sum(accuracy for _, accuracy in tested) / len(tested))


def test_the_parent_holds_the_answer(undisturbed: dict[str, Any]) -> None:
    result, directory = undisturbed["result"], undisturbed["directory"]
    study = recorded(store(directory), result["study"])
    assert study.run.info.status == "FINISHED"
    assert "report.html" in study.pictures
    assert result["verdict"][0] in study.run.data.tags["verdict"]
    assert result["verdict"][0] in study.run.data.tags["mlflow.note.content"]
    assert study.run.data.params["optimizers"] == "sgd, adam"
    assert study.datasets == 1
    assert study.points == {}
    assert Path(result["page"]).is_file()


def test_it_says_what_it_does(undisturbed: dict[str, Any]) -> None:
    told = undisturbed["err"]
    assert "Comparing 2 optimizers on digits, 4 trials of 2 epochs" in told
    assert "4 trials, " in told
    assert ": about " in told
    assert "Trial 4 of 4: " in told
    assert undisturbed["result"]["verdict"][0] in told
    assert "Traceback" not in told
    assert "cuda" not in told.lower()


def test_prefect_shows_the_trials_within_the_comparison(undisturbed: dict[str, Any], prefect_api: str) -> None:
    flow_run = undisturbed["result"]["flow_run_url"].rpartition("/")[2]
    only = {"flow_runs": {"id": {"any_": [flow_run]}}}
    tasks = httpx.post(f"{prefect_api}/task_runs/filter", json=only).raise_for_status().json()
    trials = [task for task in tasks if " lr=" in task["name"]]
    assert (len(trials), {task["state_type"] for task in tasks}) == (4, {"COMPLETED"})
    children = {"flow_runs": {"parent_task_run_id": {"any_": [task["id"] for task in trials]}}}
    trained = httpx.post(f"{prefect_api}/flow_runs/filter", json=children).raise_for_status().json()
    assert sorted(run["name"] for run in trained) == sorted(task["name"] for task in trials)
    assert {run["state_type"] for run in trained} == {"COMPLETED"}
    artifacts = httpx.post(f"{prefect_api}/artifacts/filter", json=only).raise_for_status().json()
    assert {artifact["key"] for artifact in artifacts} >= {"mlflow-run", "contenders", "verdict"}
    mine = httpx.post(f"{prefect_api}/artifacts/filter", json=children).raise_for_status().json()
    assert Counter(artifact["key"] for artifact in mine)["epochs"] == 4


def test_the_page_is_made_again_from_the_store_alone(
    undisturbed: dict[str, Any], start: Callable[..., Running], tmp_path: Path
) -> None:
    study = undisturbed["result"]["study"]
    ended = start(
        "-m", "flows", "report", study, "--output", "again", MLFLOW_TRACKING_URI=store(undisturbed["directory"])
    ).ended()
    assert (ended.status, ended.left) == (0, []), ended
    assert undisturbed["result"]["verdict"][0] in ended.out
    first = Path(undisturbed["result"]["page"]).parent
    for name in ("trials.csv", "contenders.csv", "comparison.json"):
        assert (tmp_path / "again" / name).read_text() == (first / name).read_text()


def test_a_comparison_that_is_complete_trains_nothing_more(
    undisturbed: dict[str, Any], compare: Callable[..., Running]
) -> None:
    directory, study = undisturbed["directory"], undisturbed["result"]["study"]
    before = {run.info.run_id: run.info.end_time for run in trials_of(directory, study)}
    ended = compare("--resume", study, "--json", directory=directory).ended()
    assert (ended.status, ended.left) == (0, []), ended
    assert json.loads(ended.out)["verdict"] == undisturbed["result"]["verdict"]
    assert {run.info.run_id: run.info.end_time for run in trials_of(directory, study)} == before
    learning_of(directory, study)  # nothing twice
    assert recorded(store(directory), study).run.info.status == "FINISHED"


def test_other_parameters_are_refused(undisturbed: dict[str, Any], compare: Callable[..., Running]) -> None:
    study = undisturbed["result"]["study"]
    ended = compare("--resume", study, "--epochs", 3, directory=undisturbed["directory"]).ended()
    assert ended.status == 2
    assert "epochs: received 3, but run" in ended.err


def test_a_dry_run_only_says_what_would_run(
    start: Callable[..., Running], tmp_path: Path, runs: Callable[..., list[Any]]
) -> None:
    ended = start("-m", "flows", "compare", *SHORT, "--dry-run").ended()
    assert (ended.status, ended.err, ended.left) == (0, "", []), ended
    assert "4 trials, " in ended.out
    assert ": about " in ended.out
    assert runs(tmp_path) == []


def test_a_worker_that_is_killed_is_replaced_and_its_trial_goes_on(
    compare: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    running = compare(*LONG, "--json")
    victim = wait_for(lambda: running_trials(tmp_path, runs), "a trial in its epochs")[0]
    psutil.Process(int(victim.data.tags["run.process"])).kill()
    ended = running.ended()
    assert (ended.status, ended.left) == (0, []), ended
    result = json.loads(ended.out)
    assert result["trials"] == {"planned": 4, "completed": 4, "diverged": 0, "failed": 0}
    assert len(learning_of(tmp_path, result["study"])) == 4
    assert {run.info.status for run in trials_of(tmp_path, result["study"])} == {"FINISHED"}
    assert victim.info.run_id in {run.info.run_id for run in trials_of(tmp_path, result["study"])}  # it went on


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
    assert "trials are done. " in ended.err
    assert len(learning_of(tmp_path, study.info.run_id)) == 4
    assert {run.info.status for run in runs(tmp_path)} == {"FINISHED"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_comparison_stops_its_workers_and_keeps_what_is_done(
    number: int, compare: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path, prefect_api: str
) -> None:
    running = compare(*LONG)
    running.printed("Trial 1 of 4")
    wait_for(lambda: running_trials(tmp_path, runs), "a trial in its epochs")
    for process in [running.process, *psutil.Process(running.process.pid).children(recursive=True)]:
        if number == signal.SIGINT:  # from a terminal it goes to all of them
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                process.send_signal(number)
    if number == signal.SIGTERM:
        running.process.send_signal(number)
    signalled = time.monotonic()
    ended = running.ended()
    assert time.monotonic() - signalled < SECONDS
    assert ended.status == (130 if number == signal.SIGINT else 128 + number)
    assert ended.left == []
    assert "python -m flows compare --resume" in ended.out
    statuses = Counter(run.info.status for run in runs(tmp_path))
    assert set(statuses) == {"FINISHED", "KILLED"}
    assert statuses["FINISHED"] >= 1
    (study,) = studies_of(tmp_path, runs)
    assert study.info.status == "KILLED"
    only = {"flow_runs": {"id": {"any_": [run.data.tags["prefect.flow_run_id"] for run in runs(tmp_path)]}}}
    for kind in ("flow_runs", "task_runs"):
        states = httpx.post(f"{prefect_api}/{kind}/filter", json=only).raise_for_status().json()
        assert {each["state_type"] for each in states} <= {"COMPLETED", "CRASHED", "CANCELLED", "FAILED"}
    if number == signal.SIGINT:  # going on is the same after either
        ended = compare("--resume", study.info.run_id, "--json").ended()
        assert ended.status == 0, ended
        assert len(learning_of(tmp_path, study.info.run_id)) == 4


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


@pytest.fixture
def dask_address(start: Callable[..., Running], tmp_path: Path) -> str:
    """A Dask scheduler and two workers, each a process of its own, that know nothing of the comparison."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    address = f"tcp://127.0.0.1:{(port := free_port())}"
    dask = ("-m", "dask")
    start(*dask, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", directory=elsewhere)
    for _ in range(2):
        start(*dask, "worker", address, "--nthreads", 1, "--no-dashboard", directory=elsewhere)
    return address


def test_a_cluster_that_runs_already_gives_the_same_numbers(
    undisturbed: dict[str, Any], compare: Callable[..., Running], dask_address: str, tmp_path: Path
) -> None:
    workplace = tmp_path / "workplace"
    workplace.mkdir()
    ended = compare(*SHORT, "--dask-address", dask_address, "--json", directory=workplace).ended()
    assert (ended.status, ended.left) == (0, []), ended
    study = json.loads(ended.out)["study"]
    assert learning_of(workplace, study) == learning_of(undisturbed["directory"], undisturbed["result"]["study"])
    assert not (tmp_path / "elsewhere" / "data").exists()


def test_a_cluster_outlives_a_comparison_that_is_killed_but_its_trials_do_not(
    compare: Callable[..., Running], runs: Callable[..., list[Any]], dask_address: str, tmp_path: Path
) -> None:
    running = compare(*LONG[:-2], "--dask-address", dask_address)
    (trial, *_) = wait_for(lambda: running_trials(tmp_path, runs), "a trial in its epochs")
    running.process.kill()
    wait_for(lambda: not running_trials(tmp_path, runs), "its trials to end", SECONDS)
    assert psutil.pid_exists(int(trial.data.tags["run.process"]))
    assert "KILLED" in {run.info.status for run in runs(tmp_path)}


def test_a_cluster_that_is_not_there_is_an_error(compare: Callable[..., Running]) -> None:
    ended = compare(*SHORT, "--dask-address", f"tcp://127.0.0.1:{free_port()}").ended()
    assert (ended.status, ended.left) == (2, [])
    assert "no Dask scheduler answers" in ended.err

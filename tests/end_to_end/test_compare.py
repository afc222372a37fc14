"""A comparison as people run it: what it says, and what both servers have of it."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from PIL import Image

from tests.support.comparisons import SHORT, learning_of, store, trials_of
from tests.support.prefect_api import ask
from tests.support.recorded import recorded
from tests.support.running import Running, free_port, wait_for

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]


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


def test_every_combination_is_trained_once_and_recorded_as_a_child(undisturbed: dict[str, Any]) -> None:
    result, directory = undisturbed["result"], undisturbed["directory"]
    trials = trials_of(directory, result["study"])
    assert sorted(
        (run.data.tags["optimizer"], run.data.tags["seed"], run.data.tags["learning_rate"]) for run in trials
    ) == [(optimizer, seed, "0.01") for optimizer in ("adam", "sgd") for seed in ("0", "1")]
    for run in trials:
        assert run.info.status == "FINISHED"
        assert run.data.tags["study"] == result["study"]
        assert run.data.tags["setting"] == f"{run.data.tags['optimizer']} 0.01"
        assert run.data.tags["loss"] == "softmax_cross_entropy"
    assert len(learning_of(directory, result["study"])) == 4
    assert list((directory / "runs").iterdir()) == []


def test_only_the_chosen_setting_has_seen_the_test_split(undisturbed: dict[str, Any]) -> None:
    result = undisturbed["result"]
    tested = {
        (run.data.tags["optimizer"], run.data.metrics["test_accuracy"])
        for run in trials_of(undisturbed["directory"], result["study"])
        if "test_accuracy" in run.data.metrics
    }
    assert {optimizer for optimizer, _ in tested} == {result["answer"]["take"]}
    assert result["test"]["seeds"] == 2
    assert result["test"]["test/accuracy"] == pytest.approx(sum(accuracy for _, accuracy in tested) / len(tested))


def test_the_parent_holds_the_answer(undisturbed: dict[str, Any]) -> None:
    result, directory = undisturbed["result"], undisturbed["directory"]
    study = recorded(store(directory), result["study"])
    assert study.run.info.status == "FINISHED"
    assert "report.html" in study.files
    assert result["verdict"][0] in study.run.data.tags["verdict"]
    assert result["verdict"][0] in study.run.data.tags["mlflow.note.content"]
    assert study.run.data.params == {}  # parameters are its trials' alone
    assert study.run.data.tags["compare.optimizers"] == "sgd, adam"
    assert study.datasets == 1
    assert {len(points) for points in study.points.values()} == {1}
    assert study.points["study/trials_completed"] == [(0, 4)]
    assert study.points["study/test_accuracy"] == [(0, result["test"]["test/accuracy"])]
    assert Path(result["page"]).is_file()


def test_a_training_begins_with_what_a_comparison_recommends(
    undisturbed: dict[str, Any], train: Callable[..., Running]
) -> None:
    result, directory = undisturbed["result"], undisturbed["directory"]
    recommended = recorded(store(directory), result["study"]).run.data.tags["compare.recommended_run"]
    tested = [run for run in trials_of(directory, result["study"]) if "test_accuracy" in run.data.metrics]
    assert recommended in {run.info.run_id for run in tested}
    small = ("--dataset", "digits", "--limit-examples", 300, "--epochs", 1, "--freeze", "backbone")
    ended = train(*small, "--weights", f"study:{result['study']}", "--json", directory=directory).ended()
    assert ended.status == 0, ended
    tags = recorded(store(directory), json.loads(ended.out)["run_id"]).run.data.tags
    assert (tags["weights.source"], len(tags["weights.sha256"])) == (f"study:{result['study']}", 64)


def test_it_says_what_it_does(undisturbed: dict[str, Any]) -> None:
    told = undisturbed["err"]
    assert "Comparing 2 optimizers on digits, 4 trials of 2 epochs" in told
    assert "Tuning: 4 trials, to choose each learning rate." in told
    assert "This round: 4 trials, " in told
    assert ": about " in told
    assert "Trial 4 of 4: " in told
    assert undisturbed["result"]["verdict"][0] in told
    assert "Traceback" not in told
    assert "cuda" not in told.lower()


def test_prefect_shows_the_trials_within_the_comparison(undisturbed: dict[str, Any], prefect_api: str) -> None:
    flow_run = undisturbed["result"]["flow_run_url"].rpartition("/")[2]
    only = {"flow_runs": {"id": {"any_": [flow_run]}}}
    tasks = ask("POST", f"{prefect_api}/task_runs/filter", only)
    tested = {task["name"].removeprefix("test ") for task in tasks if task["name"].startswith("test ")}
    trials = [task for task in tasks if task["name"].startswith("tune ")]
    assert tested
    assert tested < {task["name"].removeprefix("tune ") for task in trials}
    assert (len(trials), {task["state_type"] for task in tasks}) == (4, {"COMPLETED"})
    children = {"flow_runs": {"parent_task_run_id": {"any_": [task["id"] for task in trials]}}}
    trained = ask("POST", f"{prefect_api}/flow_runs/filter", children)
    assert sorted(f"tune {run['name']}" for run in trained) == sorted(task["name"] for task in trials)
    assert {run["state_type"] for run in trained} == {"COMPLETED"}
    artifacts = ask("POST", f"{prefect_api}/artifacts/filter", only)
    assert {artifact["key"] for artifact in artifacts} >= {"mlflow-run", "contenders", "verdict"}
    mine = ask("POST", f"{prefect_api}/artifacts/filter", children)
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
    before, answer = trials_of(directory, study), recorded(store(directory), study)
    ended = compare("--resume", study, "--json", directory=directory).ended()
    assert (ended.status, ended.left) == (0, []), ended
    assert json.loads(ended.out)["verdict"] == undisturbed["result"]["verdict"]
    assert "All trials are done." in ended.err
    # Of what has ended nothing is touched: no time, no tag, no point.
    assert [run.to_dictionary() for run in trials_of(directory, study)] == [run.to_dictionary() for run in before]
    after = recorded(store(directory), study)
    assert after.run.to_dictionary() == answer.run.to_dictionary()
    assert (after.points, after.files) == (answer.points, answer.files)
    assert list((directory / "runs").iterdir()) == []


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
    assert "This round: 4 trials, " in ended.out
    assert "could show nothing about which is better" in ended.out
    assert ": about " in ended.out
    assert "TensorFlow" not in ended.out
    assert runs(tmp_path) == []


@pytest.mark.slow
def test_the_first_of_all_has_a_server_of_its_own_and_leaves_tensorflow_to_its_workers(
    start: Callable[..., Running], undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    with socket.socket() as another:
        with contextlib.suppress(OSError):  # then somebody else has Dask's usual port
            another.bind(("127.0.0.1", 8787))
            another.listen()
        running = start("-m", "flows", "compare", *SHORT, HOME=str(tmp_path / "home"))
        running.printed("Trial 3 of 4")
    assert "libtensorflow" not in Path(f"/proc/{running.process.pid}/maps").read_text()
    assert len([process for process in running.processes() if "flows.servers.serve_prefect" in process.cmdline()]) == 1
    ended = running.ended()
    assert (ended.status, ended.err, ended.left) == (0, "", []), ended
    assert len(ended.out.splitlines()) == len(undisturbed["err"].splitlines()), ended.out  # nobody else writes there
    study = re.findall("[0-9a-f]{32}", ended.out)[0]
    before = learning_of(undisturbed["directory"], undisturbed["result"]["study"])
    assert learning_of(tmp_path, study) == before
    with contextlib.closing(sqlite3.connect(tmp_path / "home" / ".prefect" / "prefect.db")) as database:
        assert database.execute("SELECT state_type FROM flow_run").fetchall() == [("COMPLETED",)] * 5
        assert database.execute("SELECT COUNT(DISTINCT flow_run_id) FROM log").fetchone() == (5,)


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_cluster_that_is_not_there_is_an_error(compare: Callable[..., Running]) -> None:
    ended = compare(*SHORT, "--dask-address", f"tcp://127.0.0.1:{free_port()}").ended()
    assert (ended.status, ended.left) == (2, [])
    assert "no Dask scheduler answers" in ended.err


@pytest.mark.slow
def test_workers_that_cannot_run_trials_are_named_before_any_is_submitted(
    compare: Callable[..., Running], start: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    address = f"tcp://127.0.0.1:{(port := free_port())}"
    dask = ("-m", "dask")
    start(*dask, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", directory=elsewhere)
    worker = (*dask, "worker", address, "--no-dashboard", "--nthreads")
    strange = start(*worker, 1, "--name", "strange", directory=elsewhere, PYTHONPATH="")
    broad = start(*worker, 2, "--name", "broad", directory=elsewhere)
    for running in (strange, broad):
        wait_for(lambda running=running: "Starting established connection" in running.err.read_text(), "the worker")
    ended = compare(*SHORT, "--dask-address", address).ended()
    assert (ended.status, ended.left) == (2, []), ended
    assert re.search(
        r"the Dask worker tcp://\S+ cannot run a trial \(ModuleNotFoundError: No module named 'flows'\)", ended.err
    )
    assert re.search(r"the Dask worker tcp://\S+ has 2 threads, but .*start it with --nthreads 1", ended.err)
    (study,) = runs(tmp_path)
    assert study.data.tags["run.flow"] == "compare"
    for running in (strange, broad):
        assert running.process.poll() is None  # nothing that they could not import was sent to them


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[[int], str]:
    """Put so many images more into each of two classes, and return the name of that dataset."""

    def add(each: int) -> str:
        for name, level in (("dark", 20), ("bright", 200)):
            (tmp_path / "pictures" / name).mkdir(parents=True, exist_ok=True)
            there = len(list((tmp_path / "pictures" / name).iterdir()))
            for index in range(there, there + each):
                Image.new("L", (16, 16), level + index).save(tmp_path / "pictures" / name / f"{index}.png")
        return "folder:pictures"

    return add


@pytest.mark.slow
def test_trials_of_a_comparison_are_of_one_dataset_whatever_its_source_holds_later(
    compare: Callable[..., Running], pictures: Callable[[int], str], tmp_path: Path
) -> None:
    small = (
        "--optimizers",
        "sgd,adam",
        "--learning-rates",
        0.01,
        "--seeds",
        1,
        "--epochs",
        1,
        "--batch-sizes",
        8,
        "--looks",
        "none",
    )
    first = compare("--dataset", pictures(20), *small, "--json").ended()
    assert (first.status, first.left) == (0, []), first
    study = json.loads(first.out)["study"]
    one, other = trials_of(tmp_path, study)
    data = one.data.tags["dataset.digest"]
    assert "Using folder:pictures as it was prepared on " in first.err

    MlflowClient(store(tmp_path)).delete_run(one.info.run_id)
    pictures(10)
    again = compare("--resume", study, "--json").ended()
    assert (again.status, again.left) == (0, []), again
    assert "What it was prepared from holds other data by now, which is left alone" in again.err
    assert {run.data.tags["dataset.digest"] for run in trials_of(tmp_path, study)} == {data}
    assert len(trials_of(tmp_path, study)) == 2

    MlflowClient(store(tmp_path)).delete_run(other.info.run_id)
    shutil.rmtree(tmp_path / "data")
    before = recorded(store(tmp_path), study).run
    refused = compare("--resume", study, "--seeds", 2).ended()
    assert (refused.status, refused.left) == (2, []), refused
    assert "class 'bright' 20 images, now 30; class 'dark' 20 images, now 30" in refused.err
    after = recorded(store(tmp_path), study).run
    assert after.to_dictionary() == before.to_dictionary()

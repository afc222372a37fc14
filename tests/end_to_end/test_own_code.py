"""A person's network, optimizer and loss from one file outside of this repository."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.servers.deploy import WORK_POOL
from tests.support.comparisons import learning_of, trials_of
from tests.support.own_code import write_own
from tests.support.preloaded import Preloaded
from tests.support.running import Running
from tests.support.trainings import Trainings

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(900)]

DATA = ("--dataset", "digits", "--limit-examples", 300, "--image-size", 16)
OWN = ("--model", "mine.py:small", "--optimizer", "mine.py:Signum", "--loss", "mine.py:Focal")
EPOCHS = 3
TRAINING = (*DATA, *OWN, "--epochs", EPOCHS, "--optimizer-args", "beta=0.8", "--loss-args", "gamma=1.5")
CHANGED = ("ops.sign(momentum)", "ops.tanh(momentum)")


def trainings_in(preloaded: Preloaded, directory: Path, empty_store: Path) -> Trainings:
    directory.mkdir()
    write_own(directory / "mine.py")
    return Trainings(preloaded, directory, empty_store)


def test_a_training_that_is_killed_goes_on_bit_for_bit_though_its_file_was_changed(
    preloaded: Preloaded, empty_store: Path, tmp_path: Path
) -> None:
    undisturbed = trainings_in(preloaded, tmp_path / "one", empty_store)
    undisturbed.run("train", *TRAINING)
    expected, weights = undisturbed.read()
    sources = sorted(path.name for path in (tmp_path / "one").glob("mlartifacts/**/sources/*/*"))
    assert sources == ["mine.py"]

    killed = trainings_in(preloaded, tmp_path / "two", empty_store)
    ended = killed.ended(killed.start("train", *TRAINING, CRASH_AT="epoch_trained:2"))
    assert ended.status == -signal.SIGKILL, ended
    write_own(tmp_path / "two" / "mine.py", CHANGED)
    (run,) = killed.runs()
    again = killed.ended(killed.start("train", "--resume", run.info.run_id, "--optimizer", "mine.py:Signum"))
    assert again.status == 2
    assert "a run goes on with its own parameters, so leave optimizer out" in again.err
    killed.run("train", "--resume", run.info.run_id)
    found, found_weights = killed.read()
    assert found.learning == expected.learning
    assert {name: array.tobytes() for name, array in found_weights.items()} == {
        name: array.tobytes() for name, array in weights.items()
    }


def test_a_comparison_keeps_to_the_file_that_it_began_with(compare: Callable[..., Running], tmp_path: Path) -> None:
    write_own(tmp_path / "mine.py")
    asked = (*DATA, "--epochs", 2, "--optimizers", "adam,mine.py:Signum", "--losses", "mine.py:Focal")
    asked = (*asked, "--model", "mine.py:small", "--seeds", 2, "--grid-size", 1, "--workers", 2)
    asked = (*asked, "--keep", "best", "--patience", 1)
    ended = compare(*asked, "--looks", "none", "--json").ended()
    assert (ended.status, ended.left) == (0, []), ended
    result = json.loads(ended.out)
    assert {contender["label"] for contender in result["contenders"]} == {"adam", "mine.py:Signum"}
    assert len(learning_of(tmp_path, result["study"])) == 4
    own = {run.data.params["optimizer"] for run in trials_of(tmp_path, result["study"])} - {"adam"}
    assert len(own) == 1
    for contender in result["contenders"]:
        trials = [run for run in trials_of(tmp_path, result["study"]) if contender["label"] in run.data.tags["setting"]]
        assert sorted(contender["scores"]) == sorted(run.data.metrics["best_validation_accuracy"] for run in trials)
    assert "best-epoch validation accuracy" in result["verdict"][0]

    write_own(tmp_path / "mine.py", CHANGED)
    ended = compare("--resume", result["study"], "--seeds", 3, "--json").ended()
    assert ended.status == 0, ended
    assert len(learning_of(tmp_path, result["study"])) == 6
    assert {run.data.params["optimizer"] for run in trials_of(tmp_path, result["study"])} - {"adam"} == own
    kept = {(run.data.params["keep"], run.data.params["patience"]) for run in trials_of(tmp_path, result["study"])}
    assert kept == {("best", "1")}
    refused = compare("--resume", result["study"], "--optimizers", "adam,mine.py:Signum").ended()
    assert refused.status == 2
    assert "cannot shrink" in refused.err
    page = (tmp_path / "reports" / result["study"] / "report.html").read_text()
    assert page.count("mine.py:Signum")
    assert "the best of its epochs, chosen by the images that it is judged by" in page


def test_a_deployment_takes_a_file_that_lies_on_the_worker(
    start: Callable[..., Running], prefect_api: str, runs: Callable[..., list[Any]], checkout: Path
) -> None:
    write_own(checkout / "mine.py")
    how: dict[str, Any] = {"directory": checkout, "PYTHONPATH": "", "DO_NOT_TRACK": "1", "PREFECT_API_URL": prefect_api}
    assert start("-m", "flows", "deploy", **how).ended().status == 0
    often = {"PREFECT_WORKER_QUERY_SECONDS": "1"}  # it asks every ten seconds otherwise
    worker = start("-m", "prefect", "worker", "start", "--pool", WORK_POOL, "--limit", "1", **often, **how)
    own = {"model": "mine.py:small", "optimizer": "mine.py:Signum", "loss": "mine.py:Focal", "loss_args": "gamma=1.5"}
    given = {**own, "limit_examples": "300", "epochs": "1"}
    words = [word for name, value in given.items() for word in ("--param", f"{name}={value}")]
    ended = start("-m", "prefect", "deployment", "run", "train/digits", *words, "--watch", **how).ended()
    assert ended.status == 0, ended
    assert "Completed" in ended.out
    (run,) = runs(checkout)
    assert run.data.params["optimizer"].startswith(f"{checkout}/mine.py:Signum@")
    assert (run.info.status, run.data.params["loss_args"]) == ("FINISHED", "gamma=1.5")
    assert list(checkout.glob("mlartifacts/**/sources/*/mine.py"))
    worker.process.send_signal(signal.SIGINT)
    assert worker.ended().left == []


def test_what_is_wrong_with_a_file_is_told_before_anything_starts(
    train: Callable[..., Running], compare: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    write_own(tmp_path / "mine.py", ('{**super().get_config(), "beta": self.beta}', "super().get_config()"))
    ended = train(*DATA, "--optimizer", "mine.py:Signum", "--optimizer-args", "beta=0.5").ended()
    assert ended.status == 2
    assert "makes other steps once it was stored and loaded" in ended.err
    asked = ("--optimizers", "adam,mine.py:Signum", "--optimizer-args", "beta=0.5")
    ended = compare(*DATA, *asked).ended()
    assert ended.status == 2
    assert "makes other steps once it was stored and loaded" in ended.err
    assert runs(tmp_path) == []
    ended = train(*DATA, "--optimizer", "gone.py:Signum").ended()
    assert (ended.status, ended.left) == (2, [])
    assert f"optimizer: received 'gone.py:Signum': there is no file '{tmp_path}/gone.py'" in ended.err

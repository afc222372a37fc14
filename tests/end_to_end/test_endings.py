"""How a training ends that does not complete: what is said, what is recorded, and that no process stays."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.foundation.commands import command
from tests.support.prefect_api import ask
from tests.support.recorded import Recorded, recorded, weights
from tests.support.running import Ended, Running, wait_for

# The first test also waits for servers, and for a training that nothing happens to.
pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(900)]

ENDLESS = ("--dataset", "digits", "--epochs", "100000")
EPOCHS, STEPS = 2, 657  # an epoch of seconds, in blocks of a tenth of a second
LONG_EPOCHS = (
    *("--dataset", "digits", "--limit-examples", 300, "--batch-size", 2, "--repeat", 6),
    *("--print-every", 16, "--epochs", EPOCHS),
)
# From the signal to the end of the process: the step at hand, a checkpoint, and the servers are told. An idle machine
# needs one or two; a busy one is not what this is about.
SECONDS = 5


@pytest.fixture(scope="module")
def finished() -> dict[str, tuple[Recorded, dict[str, np.ndarray]]]:
    """The training that nobody interrupted, once there is one."""
    return {}


@pytest.fixture
def uninterrupted(
    finished: dict[str, tuple[Recorded, dict[str, np.ndarray]]],
    train: Callable[..., Running],
    runs: Callable[..., list[Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Recorded, dict[str, np.ndarray]]:
    """What a training records that nobody interrupts, and the weights of its model."""
    if not finished:
        directory = tmp_path_factory.mktemp("uninterrupted")
        ended = train(*LONG_EPOCHS, directory=directory).ended()
        assert ended.status == 0, ended
        (run,) = runs(directory)
        finished["run"] = read(directory, run.info.run_id)
        finished["run"][0].assert_complete(EPOCHS)
    return finished["run"]


def read(directory: Path, run_id: str) -> tuple[Recorded, dict[str, np.ndarray]]:
    run = recorded(f"sqlite:///{directory / 'mlflow.db'}", run_id)
    return run, weights(directory / "mlartifacts", run)


def states(prefect_api: str, run: Any) -> tuple[str, set[str]]:
    """The state of the flow run of a run, and those of its task runs."""
    body = {"flow_runs": {"id": {"any_": [run.data.tags["prefect.flow_run_id"]]}}}
    (flow_run,) = ask("POST", f"{prefect_api}/flow_runs/filter", body)
    task_runs = ask("POST", f"{prefect_api}/task_runs/filter", body)
    assert task_runs
    return flow_run["state_type"], {task_run["state_type"] for task_run in task_runs}


def ended_within_seconds(running: Running, *numbers: signal.Signals) -> Ended:
    stopped = time.monotonic()
    for number in numbers:
        running.process.send_signal(number)
    running.exited(60)
    assert time.monotonic() - stopped < SECONDS
    return running.ended()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "status", "said", "options"),
    [(signal.SIGINT, 130, "Interrupted.\n", []), (signal.SIGTERM, 143, "", ["--json"])],
    ids=["interrupted", "terminated"],
)
def test_an_interruption_in_the_middle_of_an_epoch_is_as_if_it_had_never_been_once_resumed(
    *,
    train: Callable[..., Running],
    runs: Callable[..., list[Any]],
    uninterrupted: tuple[Recorded, dict[str, np.ndarray]],
    prefect_api: str,
    tmp_path: Path,
    number: signal.Signals,
    status: int,
    said: str,
    options: list[str],
) -> None:
    running = train(*LONG_EPOCHS, *options)
    words = running.err if options else running.out
    wait_for(
        lambda: re.search(rf"^Epoch:\[  2/  2\], step:\[ +\d+/ +{STEPS}\]", words.read_text(), re.MULTILINE), "epoch 2"
    )
    ended = ended_within_seconds(running, number)
    assert (ended.status, ended.left) == (status, [])
    (run,) = runs(tmp_path)
    run_id = run.info.run_id
    assert (run.info.status, run.data.tags["outcome"]) == ("KILLED", "killed")
    assert run.info.end_time is not None
    with contextlib.chdir(tmp_path):
        how = f"Run {run_id} was interrupted. Go on with it: {command('train', '--resume', run_id)}\n"
    if options:
        assert ended.out == ""
        assert ended.err.endswith(how + said)
    else:
        assert ended.err == said
        assert ended.out.endswith(how)
    flow_run, task_runs = states(prefect_api, run)
    assert flow_run in ("CRASHED", "CANCELLED")
    assert task_runs <= {"COMPLETED", "CRASHED", "CANCELLED"}
    last = max(path.name for path in (tmp_path / "runs").glob("*/checkpoints/*.npz"))
    epochs, steps = [int(part) for part in last.split("-")[:2]]
    assert (epochs, 0 < steps < STEPS) == (1, True)

    resumed = train("--resume", run_id, *options).ended()
    assert (resumed.status, resumed.left) == (0, [])
    assert f"Going on after step {steps} of epoch 2.\n" in resumed.err + resumed.out
    if options:
        assert json.loads(resumed.out)["run_id"] == run_id
    again, model = read(tmp_path, run_id)
    again.assert_complete(EPOCHS)
    expected, expected_model = uninterrupted
    assert again.learning == expected.learning
    assert model.keys() == expected_model.keys()
    for name, array in expected_model.items():
        assert np.array_equal(model[name], array), name
    assert list((tmp_path / "runs").iterdir()) == []
    assert states(prefect_api, again.run)[0] == "COMPLETED"


@pytest.mark.slow
def test_a_run_that_is_stopped_ends_with_its_server_and_one_that_ignores_the_hangup_goes_on(
    start: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    under_nohup = (
        "import runpy, signal, sys\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\nsys.argv[:1] = ['flows']\n"
        "runpy.run_module('flows', run_name='__main__')"
    )
    running = start("-c", under_nohup, "train", *ENDLESS)
    running.printed(r"Epoch time:")
    running.process.send_signal(signal.SIGHUP)
    epochs = running.out.read_text().count("Epoch time:")
    wait_for(lambda: running.out.read_text().count("Epoch time:") > epochs + 2, "more epochs")
    ended = ended_within_seconds(running, signal.SIGINT)
    assert (ended.status, ended.err, ended.left) == (130, "Interrupted.\n", [])
    (run,) = runs(tmp_path)
    assert (run.info.status, run.data.tags["outcome"]) == ("KILLED", "killed")


def test_a_second_interrupt_does_not_wait_for_anything(
    train: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    running = train(*LONG_EPOCHS)
    running.printed(r"Epoch:")
    stopped = time.monotonic()
    while running.process.poll() is None and time.monotonic() < stopped + 60:
        running.process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    assert time.monotonic() - stopped < SECONDS
    ended = running.ended()
    assert (ended.status, ended.left) == (130, [])
    assert ended.err.endswith("Interrupted.\n")
    assert "Traceback" not in ended.out + ended.err
    assert len(runs(tmp_path)) == 1


def test_an_interruption_before_the_training_leaves_nothing(
    start: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    running = start("-m", "flows", "train", *ENDLESS)
    running.printed("Training lenet on digits")
    running.process.send_signal(signal.SIGINT)
    ended = running.ended()
    assert (ended.status, ended.err, ended.left) == (130, "Interrupted.\n", [])
    assert runs(tmp_path) == []


@pytest.mark.slow
def test_the_server_goes_with_a_run_that_is_killed(start: Callable[..., Running]) -> None:
    running = start("-m", "flows", "train", *ENDLESS)
    running.printed(r"Epoch time:")
    assert len(running.processes()) > 1  # its Prefect server
    running.process.kill()
    assert running.ended().left == []


def test_only_one_of_two_that_resume_a_run_goes_on_with_it(
    train: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    killed = train(*ENDLESS)
    killed.printed(r"Epoch:\[ +2/")  # the second: a checkpoint of the first is there
    killed.process.kill()
    (run,) = runs(tmp_path)
    both = [train("--resume", run.info.run_id) for _ in range(2)]
    (refused,) = wait_for(lambda: [each for each in both if each.process.poll() is not None], "one to end")
    ended = refused.ended()
    assert (ended.status, ended.left) == (2, [])
    told = f"Bad input\\. resume: run '{run.info.run_id}' is going on; a live process holds '.*'\n"
    assert re.fullmatch(told, ended.err)
    (other,) = set(both) - {refused}
    other.printed("Going on after epoch")
    other.printed("Epoch time:")


@pytest.mark.slow
def test_artifacts_that_cannot_be_stored_are_kept_and_sent_later(
    start: Callable[..., Running],
    train: Callable[..., Running],
    runs: Callable[..., list[Any]],
    prefect_api: str,
    tmp_path: Path,
) -> None:
    running = train(*LONG_EPOCHS)
    running.printed("Epoch time:")  # when it began, files could be stored
    blocked = (tmp_path / "mlartifacts").rename(tmp_path / "aside").with_name("mlartifacts")
    blocked.touch()  # a file where a folder is needed
    ended = running.ended()
    assert (ended.status, ended.err, ended.left) == (0, "", [])
    assert re.search(rf"^MLflow .*'{blocked}", ended.out, re.MULTILINE)
    assert re.search(r"^MLflow does not have all of this run yet .* -m flows reconcile$", ended.out, re.MULTILINE)
    (run,) = runs(tmp_path)
    assert run.info.status == "RUNNING"

    blocked.unlink()
    (tmp_path / "aside").rename(blocked)
    sent = start("-m", "flows", "reconcile", PREFECT_API_URL=prefect_api).ended()
    assert (sent.status, sent.err) == (0, "")
    recorded(f"sqlite:///{tmp_path / 'mlflow.db'}", run.info.run_id).assert_complete(EPOCHS)

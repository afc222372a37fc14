"""A flow run that is tried again goes on with its MLflow run; what will not pass is not tried again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from mlflow.entities import Run
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.states import AwaitingRetry

from flows.train import train
from tasks.data import blocks
from tasks.foundation.errors import InputError, RecordError
from tests.support.store import store

TINY = {
    "dataset": "digits",
    "image_size": 16,
    "limit_examples": 100,
    "epochs": 3,
    "batch_size": 16,
    "device": "cpu",
    "experiment": "tests",
    "seed": 3,
}
pytestmark = pytest.mark.usefixtures("prefect_server", "workplace", "no_heartbeat", "no_pictures")


def runs() -> list[Run]:
    client = store()
    return list(client.search_runs([found.experiment_id for found in client.search_experiments()]))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The epochs that were trained, in their order."""
    epochs: list[int] = []

    def count(of: Any, seed: int, epoch: int, **how: Any) -> Any:
        epochs.append(epoch)
        return blocks.open_training_epoch(of, seed, epoch, **how)

    monkeypatch.setattr("tasks.training.epoch_loop.open_training_epoch", count)
    return epochs


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception, *, at_epoch: int | None = None, times: int = 1) -> None:
    """Let a training fail, after it was fitted or in an epoch, so many times."""
    name = "tasks.evaluate.evaluate_model" if at_epoch is None else "tasks.training.epoch_loop.open_training_epoch"
    module = import_module(name.rpartition(".")[0])
    original: Callable[..., Any] = getattr(module, name.rpartition(".")[2])
    left = times

    def fails(*given: Any, **how: Any) -> Any:
        nonlocal left
        if left and (at_epoch is None or given[2] == at_epoch):
            left -= 1
            raise error
        return original(*given, **how)

    monkeypatch.setattr(name, fails)


def again(flow_run_id: UUID) -> Any:
    """Do what the Retry button and a worker do."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(flow_run_id, AwaitingRetry(), force=True)
        flow_run = client.read_flow_run(flow_run_id)
    return run_flow(train, flow_run=flow_run, parameters=TINY, return_type="state")


def assert_whole(run: Run, epochs: int = 3) -> None:
    assert run.info.status == "FINISHED"
    client = store()
    steps = [point.step for point in client.get_metric_history(run.info.run_id, "train/loss")]
    assert steps == list(range(1, epochs + 1))


def test_a_default_retry_goes_on_with_its_run_from_its_checkpoint(
    monkeypatch: pytest.MonkeyPatch, opened: list[int]
) -> None:
    failing(monkeypatch, RuntimeError("broken off"), at_epoch=3)
    state = train.with_options(retries=1)(**TINY, return_state=True)
    assert state.is_completed()
    assert opened == [1, 2, 3]
    (run,) = runs()
    assert_whole(run)
    assert run.data.tags["prefect.flow_run_try"] == "2"
    assert list(Path("runs").iterdir()) == []


def test_the_button_goes_on_with_its_run(monkeypatch: pytest.MonkeyPatch, opened: list[int]) -> None:
    failing(monkeypatch, RuntimeError("broken off"))
    state = train(**TINY, return_state=True)
    assert state.is_failed()
    flow_run_id = state.state_details.flow_run_id
    assert again(flow_run_id).is_completed()
    assert opened == [1, 2, 3]
    (run,) = runs()
    assert_whole(run)
    assert run.data.tags["prefect.flow_run_id"] == str(flow_run_id)


def test_what_a_killed_process_left_is_gone_on_with_and_its_flow_run_is_not_taken_for_dead(
    monkeypatch: pytest.MonkeyPatch, opened: list[int]
) -> None:
    failing(monkeypatch, RuntimeError("broken off"))
    state = train(**TINY, return_state=True)
    (failed,) = runs()
    store().update_run(failed.info.run_id, status="RUNNING")  # as a kill leaves it
    (Path(failed.data.tags["run.directory"]) / "settled").unlink()
    assert again(state.state_details.flow_run_id).is_completed()
    assert opened == [1, 2, 3]
    (run,) = runs()
    assert_whole(run)
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(state.state_details.flow_run_id).state_name == "Completed"


def test_a_try_whose_files_are_elsewhere_starts_a_new_run(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, RuntimeError("broken off"), at_epoch=1)
    state = train(**TINY, return_state=True)
    shutil.rmtree("runs")
    assert again(state.state_details.flow_run_id).is_completed()
    assert sorted(run.info.status for run in runs()) == ["FAILED", "FINISHED"]


def test_what_has_finished_is_done_anew_if_somebody_asks_for_that() -> None:
    state = train(**TINY | {"epochs": 1}, return_state=True)
    assert again(state.state_details.flow_run_id).is_completed()
    assert [run.info.status for run in runs()] == ["FINISHED", "FINISHED"]


@pytest.mark.parametrize("error", [InputError("bad input"), RecordError("refused")], ids=["bad input", "refused"])
def test_what_will_not_pass_is_not_tried_again(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    failing(monkeypatch, error, at_epoch=1)
    state = train.with_options(retries=5)(**TINY | {"epochs": 1}, return_state=True)
    assert state.is_failed()
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(state.state_details.flow_run_id).run_count == 1
    assert [run.info.status for run in runs()] == ["FAILED"]


def test_bad_parameters_are_not_tried_again() -> None:
    state = train.with_options(retries=5)(optimizer="adm", return_state=True)
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(state.state_details.flow_run_id).run_count == 1


def test_failures_that_may_pass_are_tried_as_often_as_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, RuntimeError("broken off"), at_epoch=1, times=9)
    state = train.with_options(retries=2)(**TINY | {"epochs": 1}, return_state=True)
    assert state.is_failed()
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(state.state_details.flow_run_id).run_count == 3
    (run,) = runs()
    assert run.info.status == "FAILED"

"""Resuming: a run goes on with its own parameters, and what contradicts them is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.lifecycle.resume import given_to_flow, resumed, tell_of_unknown_threads
from flows.parameters.train import TrainParameters
from tasks.foundation.errors import InputError
from tasks.tracking.claim import claim
from tasks.tracking.mlflow_client import open_experiment
from tasks.tracking.run import tracked_run
from tests.support.own_code import write_own
from tests.support.store import store

STARTED = TrainParameters(dataset="digits", optimizer="rmsprop", learning_rate=0.003, epochs=7, run_name="mine")


def broken_off(parameters: TrainParameters = STARTED, *, forgetting: str = "") -> str:
    """Start a run that fails, and return its id; one parameter may not have been recorded."""
    run_id, experiment = "", open_experiment("tests")

    recorded = {name: value for name, value in parameters.recorded().items() if name != forgetting}

    def fail() -> None:
        nonlocal run_id
        with claim() as claimed, tracked_run(claimed, experiment, "a run", recorded, {}) as run:
            run_id = run.run_id
            raise RuntimeError("broken off")

    with pytest.raises(RuntimeError, match="broken off"):
        fail()
    return run_id


@pytest.fixture
def run_id(workplace: Path) -> str:
    assert workplace.is_dir()
    return broken_off()


def test_a_run_goes_on_with_its_own_parameters(run_id: str) -> None:
    parameters = resumed({"resume": run_id})
    assert parameters.recorded() == STARTED.recorded()
    assert parameters.resume == run_id
    assert "resume" not in parameters.recorded()


def test_a_run_of_before_threads_were_recorded_goes_on_and_says_what_that_means(
    workplace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert workplace.is_dir()
    run_id = broken_off(forgetting="threads")
    assert resumed({"resume": run_id}).threads == 1
    assert resumed({"resume": run_id, "threads": 2}).threads == 2  # as whoever began it may know
    assert tell_of_unknown_threads(run_id, 2) == {"threads.before_resume": "not recorded"}
    assert f"Run {run_id} did not record with how many threads it was begun; it goes on with 2." in caplog.text


def test_a_run_of_before_predictions_were_kept_goes_on_without(workplace: Path) -> None:
    assert workplace.is_dir()
    run_id = broken_off(forgetting="keep_predictions")
    assert not resumed({"resume": run_id}).keep_predictions
    assert not resumed({"resume": run_id, "keep_predictions": False}).keep_predictions  # as its comparison asks


def test_a_run_of_before_there_were_metrics_and_weights_goes_on_with_what_it_had(workplace: Path) -> None:
    assert workplace.is_dir()
    assert resumed({"resume": broken_off(forgetting="metric")}).metric == "accuracy"
    assert resumed({"resume": broken_off(forgetting="class_weight")}).class_weight == "none"


@pytest.mark.usefixtures("workplace")
def test_a_run_of_before_optimizers_told_all_their_hyperparameters_goes_on_with_the_defaults() -> None:
    adam = TrainParameters(dataset="digits", optimizer="adam")
    run_id = broken_off(adam, forgetting="beta_1")
    assert resumed({"resume": run_id}).recorded() == adam.recorded()
    assert resumed({"resume": run_id, "beta_1": 0.9}).beta_1 == 0.9
    with pytest.raises(InputError, match=r"resume: beta_1: received 0\.8, but run .* was started with 0\.9"):
        resumed({"resume": run_id, "beta_1": 0.8})


@pytest.mark.usefixtures("workplace")
def test_a_run_of_before_there_was_augmentation_goes_on_without() -> None:
    run_id = broken_off(forgetting="augment")
    assert resumed({"resume": run_id}).recorded() == STARTED.recorded()
    with pytest.raises(InputError, match=r"resume: augment: received \('flip',\), but run .* was started with None"):
        resumed({"resume": run_id, "augment": "flip"})


@pytest.mark.usefixtures("workplace")
def test_an_augmented_run_goes_on_as_it_was_whoever_says_so_in_whatever_order() -> None:
    run_id = broken_off(STARTED.model_copy(update={"augment": ("flip", "crop", "mixup")}))
    assert resumed({"resume": run_id}).augment == ("flip", "crop", "mixup")
    assert resumed({"resume": run_id, "augment": "mixup,crop,flip"}).augment == ("flip", "crop", "mixup")


def test_of_a_run_whose_threads_are_recorded_nothing_is_told(run_id: str, caplog: pytest.LogCaptureFixture) -> None:
    assert tell_of_unknown_threads(run_id, 1) == {}
    assert caplog.text == ""
    with pytest.raises(InputError, match=r"threads: received 2, but run .* was started with 1"):
        resumed({"resume": run_id, "threads": 2})


@pytest.mark.parametrize(
    "same",
    [
        {"learning_rate": "3e-3", "epochs": "7"},  # as typed
        {"optimizer": "rmsprop", "momentum": "0"},  # a default that is filled in
        {"dataset": "digits", "run_name": "mine"},
    ],
)
def test_what_is_the_same_may_be_given(run_id: str, same: dict[str, Any]) -> None:
    assert resumed({"resume": run_id, **same}).recorded() == STARTED.recorded()


def test_what_differs_is_told_by_its_name_one_a_line(run_id: str) -> None:
    with pytest.raises(InputError) as error:
        resumed({"resume": run_id, "epochs": "8", "dataset": "digits", "learning_rate": "0.01"})
    assert str(error.value).splitlines() == [
        f"resume: {name}: received {received}, but run {run_id} was started with {started}; "
        f"a run goes on with its own parameters, so leave {name} out"
        for name, received, started in (("epochs", 8, 7), ("learning_rate", 0.01, 0.003))
    ]


def test_a_default_that_is_given_and_differs_is_told(run_id: str) -> None:
    with pytest.raises(InputError, match=r"resume: epochs: received 10, but run .* was started with 7"):
        resumed({"resume": run_id, "epochs": "10"})


def test_a_flow_is_told_what_differs_from_the_defaults(run_id: str) -> None:
    def asked(**given: Any) -> TrainParameters:
        return resumed(given_to_flow(TrainParameters(resume=run_id, **given)))

    assert asked().recorded() == STARTED.recorded()
    assert asked(**STARTED.recorded()).recorded() == STARTED.recorded()  # as the command line hands it on
    assert asked(epochs=10).recorded() == STARTED.recorded()  # Prefect fills that in: it cannot be told apart
    assert asked(optimizer="rmsprop").recorded() == STARTED.recorded()  # whose usual rate nobody has given
    with pytest.raises(InputError, match="resume: epochs: received 8, but run") as error:
        asked(epochs=8)
    assert len(str(error.value).splitlines()) == 1


def test_given_to_a_flow_is_what_is_not_the_default() -> None:
    assert given_to_flow(TrainParameters()) == {}
    assert given_to_flow(TrainParameters(epochs=3, resume="x")) == {"epochs": 3, "resume": "x"}


@pytest.mark.usefixtures("workplace")
def test_a_run_does_not_go_on_with_another_version_of_a_persons_file(workplace: Path) -> None:
    mine = write_own(workplace / "mine.py")
    begun = TrainParameters(optimizer=f"{mine}:Signum")
    run_id = broken_off(begun)
    assert resumed({"resume": run_id, "optimizer": f"{mine}:Signum"}).optimizer == begun.optimizer
    assert given_to_flow(begun) == {"optimizer": begun.optimizer}
    write_own(mine, ("beta=0.9", "beta=0.8"))
    assert resumed({"resume": run_id}).optimizer == begun.optimizer
    with pytest.raises(
        InputError, match=r"optimizer: received .* but run .* was started with .*, so leave optimizer out"
    ):
        resumed({"resume": run_id, "optimizer": f"{mine}:Signum"})


def test_a_run_that_has_finished_is_not_resumed() -> None:
    with claim() as claimed, tracked_run(claimed, open_experiment("tests"), "done", STARTED.recorded(), {}) as run:
        pass
    with pytest.raises(InputError, match=f"resume: run '{run.run_id}' has finished; there is nothing left"):
        resumed({"resume": run.run_id})


@pytest.mark.usefixtures("workplace")
def test_a_run_that_is_unknown_is_told() -> None:
    open_experiment("tests")
    with pytest.raises(InputError, match=r"store 'sqlite:///.*mlflow\.db' has no run 'nowhere'"):
        resumed({"resume": "nowhere"})


@pytest.mark.usefixtures("workplace")
def test_a_run_of_another_program_is_told() -> None:
    client = store()
    run_id = client.create_run(open_experiment("tests")).info.run_id
    with pytest.raises(InputError, match=f"resume: run '{run_id}' was not made by this pipeline"):
        resumed({"resume": run_id})


@pytest.mark.parametrize("content", [None, b"", b"{"])
def test_a_run_whose_files_are_not_here_is_told_with_its_host(run_id: str, content: bytes | None) -> None:
    (file,) = Path("runs").glob("*/run.json")
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    told = (
        rf"resume: the files of run '{run_id}' cannot be read in '.*{file.parent.name}' .*; they were written on host"
    )
    with pytest.raises(InputError, match=f"(?s){told}"):
        resumed({"resume": run_id})


def test_parameters_that_this_version_does_not_know_are_told(run_id: str) -> None:
    (file,) = Path("runs").glob("*/run.json")
    stored = json.loads(file.read_text())
    stored["parameters"]["from_the_future"] = 1
    file.write_text(json.dumps(stored))
    with pytest.raises(InputError, match="unknown parameter 'from_the_future'"):
        resumed({"resume": run_id})

"""The whole flow, tiny, under a real Prefect server: what it returns, and what MLflow and Prefect then know."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import mlflow
import numpy as np
import pytest
from filelock import FileLock
from mlflow.entities import Dataset, DatasetInput, Run
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import Artifact, FlowRun, Log, TaskRun
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, get_current_settings, temporary_settings
from prefect.states import State

from flows.lifecycle.train_result import TrainResult
from flows.parameters.train import TrainParameters
from flows.train import run_train, train
from tasks.foundation.errors import InputError
from tasks.sources import catalogue
from tasks.sources.images import Source
from tasks.tracking import mlflow_files
from tasks.tracking.claim import held_claim, lock_path
from tasks.tracking.kept_predictions import PREDICTIONS_FILE, TEST_PREDICTIONS_FILE, unpacked
from tasks.tracking.run_file import RunFile
from tasks.training.epoch_loop import EpochLoop
from tasks.training.fit_state import EpochRow
from tests.support.store import store

TINY = {
    "dataset": "digits",
    "image_size": 16,
    "limit_examples": 200,
    "epochs": 2,
    "batch_size": 16,
    "learning_rate": 0.05,
    "device": "cpu",
    "experiment": "tests",
    "seed": 3,
}
NODES = [
    *("build_model", "compile_model", "evaluate_model", "fit_model", "predict_validation", "prepare_dataset"),
    "record_dataset_page",
]


class Trained(NamedTuple):
    """A run that is over, as its caller, MLflow and Prefect know it."""

    result: TrainResult
    directory: Path
    run: Run
    flow_run: FlowRun
    task_runs: list[TaskRun]
    artifacts: dict[str, Artifact]
    logs: list[Log]


@contextlib.contextmanager
def working_in(directory: Path) -> Iterator[None]:
    """The fixture ``workplace``, for a directory that has a store."""
    with contextlib.chdir(directory), pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        yield


def workplace_of(tmp_path_factory: pytest.TempPathFactory, empty_store: Path, name: str) -> Path:
    """A directory with a store for a whole module, to be worked in."""
    directory = tmp_path_factory.mktemp(name)
    shutil.copy(empty_store, directory / "mlflow.db")
    return directory


class Called(NamedTuple):
    """What a run returned, and where it ran."""

    result: TrainResult
    directory: Path


class Failed(NamedTuple):
    """A run that failed, where it ran, and a copy of that directory."""

    run_id: str
    directory: Path
    kept: Path


def runs() -> list[Run]:
    experiments = [found.experiment_id for found in store().search_experiments()]
    return list(store().search_runs(experiments))


def artifacts_of(client: SyncPrefectClient, flow_run_id: UUID) -> dict[str, Artifact]:
    found = client.read_artifacts(
        artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run_id]))
    )
    return {str(artifact.key): artifact for artifact in found if artifact.key}


@pytest.fixture(scope="module")
def trained(prefect_server: None, tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Iterator[Trained]:
    assert prefect_server is None
    directory = workplace_of(tmp_path_factory, empty_store, "trained")
    with working_in(directory), get_client(sync_client=True) as client:
        result = run_train(TrainParameters(**TINY))
        APILogWorker.drain_all(timeout=60, at_exit=False)  # logs are sent in the background
        flow_run_id = UUID(result.flow_run_id)
        this = FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id]))
        yield Trained(
            result,
            directory,
            store().get_run(result.run_id),
            client.read_flow_run(flow_run_id),
            client.read_task_runs(flow_run_filter=this),
            artifacts_of(client, flow_run_id),
            client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run_id]))),
        )


def test_the_result_says_what_came_out(trained: Trained) -> None:
    result = trained.result
    assert result.parameters == TrainParameters(**TINY).recorded()
    assert result.outcome == "completed"
    assert [row.epoch for row in result.epochs] == [1, 2]
    assert result.best in result.epochs
    assert set(result.test) == {"test/loss", "test/accuracy", "test/balanced_accuracy", "test/macro_f1"}
    assert len(result.dataset_digest) == 64
    assert result.seconds > 0
    assert TrainResult.model_validate_json(result.model_dump_json()) == result


def test_mlflow_has_every_parameter_once(trained: Trained) -> None:
    expected = TrainParameters(**TINY).recorded()
    assert trained.run.data.params == {name: str(value) for name, value in expected.items()}


def test_mlflow_has_every_metric(trained: Trained) -> None:
    result, metrics = trained.result, trained.run.data.metrics
    own = {name: value for name, value in metrics.items() if not name.startswith("system/")}
    assert result.best
    assert own == {
        **result.epochs[-1].metrics(),
        **{name.replace("/", "_"): value for name, value in result.test.items()},
        "best_epoch": result.best.epoch,
        "best_validation_accuracy": result.best.validation_accuracy,
    }
    assert len(own) < len(metrics)  # and those of the system
    # MLflow shows metrics in the order of what comes before a slash, those without one last: curves come first.
    assert {name.partition("/")[0] for name in own if "/" in name} == {"train", "validation"}


def test_mlflow_has_each_metric_once_a_step(trained: Trained) -> None:
    client = mlflow.MlflowClient(f"sqlite:///{trained.directory}/mlflow.db")
    for name in trained.result.epochs[0].metrics():
        steps = [point.step for point in client.get_metric_history(trained.result.run_id, name)]
        assert steps == [1, 2]
    assert [point.step for point in client.get_metric_history(trained.result.run_id, "test_accuracy")] == [0]


def test_mlflow_has_pictures_model_and_dataset(trained: Trained) -> None:
    client = mlflow.MlflowClient(f"sqlite:///{trained.directory}/mlflow.db")
    names = {file.path for file in client.list_artifacts(trained.result.run_id)}
    assert names == {
        *("training_curves.png", "weights_by_epoch.json", "predictions.npz", "classes_validation.csv"),
        *("confusion_matrix.png", "confusion_matrix.csv", "test_predictions.npz", "classes_test.csv"),
        *("dataset.html", "dataset.json"),
    }
    (model,) = trained.run.outputs.model_outputs
    assert client.get_logged_model(model.model_id).name == "model"
    (dataset,) = trained.run.inputs.dataset_inputs
    assert trained.result.dataset_digest.startswith(dataset.dataset.digest)


def test_mlflow_has_status_name_and_tags(trained: Trained) -> None:
    run = trained.run
    assert run.info.status == "FINISHED"
    assert run.info.run_name == TrainParameters(**TINY).display_name()
    assert run.data.tags["outcome"] == "completed"
    assert "reason" not in run.data.tags
    assert run.data.tags["device"] == "cpu"


def test_nothing_is_left_in_the_directory_of_runs(trained: Trained) -> None:
    assert list((trained.directory / "runs").iterdir()) == []


def test_prefect_has_the_nodes_of_the_dag(trained: Trained) -> None:
    assert sorted(task_run.name.rsplit("-", 1)[0] for task_run in trained.task_runs) == NODES
    assert {str(task_run.state_name) for task_run in trained.task_runs} == {"Completed"}
    assert trained.flow_run.state_name == "Completed"
    assert trained.flow_run.name == TrainParameters(**TINY).display_name()


def test_lists_of_flow_runs_and_task_runs_show_no_tags(trained: Trained) -> None:
    assert trained.run.data.tags["prefect.flow_run_id"] == str(trained.flow_run.id)  # by which it is found
    assert trained.flow_run.tags == []
    assert {tuple(task_run.tags) for task_run in trained.task_runs} == {()}


def test_each_links_to_the_other(trained: Trained) -> None:
    assert trained.run.data.tags["prefect.flow_run_id"] == str(trained.flow_run.id)
    assert trained.run.data.tags["prefect.flow_run_url"] == trained.result.flow_run_url
    assert str(trained.flow_run.id) in trained.result.flow_run_url
    assert trained.artifacts["mlflow-run"].type == "markdown"
    assert trained.result.run_url in str(trained.artifacts["mlflow-run"].data)
    assert trained.result.run_id in trained.result.run_url


def test_prefect_shows_the_epochs_as_a_table_and_a_summary(trained: Trained) -> None:
    assert trained.artifacts["epochs"].type == "table"
    table = str(trained.artifacts["epochs"].data)
    for row in trained.result.epochs:
        assert f'"epoch": {row.epoch}' in table
        assert str(row.validation_accuracy) in table
    assert trained.artifacts["summary"].type == "markdown"
    text = str(trained.artifacts["summary"].data)
    assert f"Test accuracy {trained.result.test['test/accuracy']:.4f}" in text
    assert trained.result.run_url in text


def test_prefect_shows_how_well_each_class_is_known(trained: Trained) -> None:
    for split, examples in (("validation", 20), ("test", 40)):
        artifact = trained.artifacts[f"classes-{split}"]
        rows = json.loads(str(artifact.data))
        assert (artifact.type, [row["name"] for row in rows]) == ("table", [str(digit) for digit in range(10)])
        assert sum(row["support"] for row in rows) == examples
    recalls = [row["recall"] for row in json.loads(str(trained.artifacts["classes-test"].data)) if row["support"]]
    assert np.mean(recalls) == pytest.approx(trained.result.test["test/balanced_accuracy"])


@pytest.fixture(scope="module")
def called_directly(prefect_server: None, tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Called:
    """A run without an own claim, that is to keep no predictions."""
    assert prefect_server is None
    directory = workplace_of(tmp_path_factory, empty_store, "called")
    with working_in(directory):
        return Called(train(**TINY | {"epochs": 1, "keep_predictions": False}), directory)


def test_a_run_that_is_to_keep_no_predictions_keeps_none(called_directly: Called) -> None:
    with working_in(called_directly.directory):
        names = {file.path for file in store().list_artifacts(called_directly.result.run_id)}
    assert "classes_test.csv" in names
    assert not {name for name in names if name.endswith(".npz")}


@pytest.mark.usefixtures("prefect_server", "workplace", "no_heartbeat")
def test_where_nothing_is_held_back_the_predictions_for_test_are_kept() -> None:
    result = train(**TINY | {"epochs": 1, "validation_fraction": 0, "metric": "macro_f1"})
    names = {file.path for file in store().list_artifacts(result.run_id)}
    assert {name for name in names if name.endswith(".npz")} == {TEST_PREDICTIONS_FILE}
    assert "macro F1" in result.summary()
    assert result.best is None


def test_the_monitor_writes_to_the_log_of_the_fit(trained: Trained) -> None:
    (fit,) = [task_run for task_run in trained.task_runs if task_run.name.startswith("fit_model")]
    lines = [log.message for log in trained.logs if log.task_run_id == fit.id]
    assert sum(line.startswith("Epoch:[  1/  2], step:[") for line in lines) == 1
    assert sum(line.startswith("Epoch:[  2/  2], step:[") for line in lines) == 1
    assert sum(line.startswith("Epoch time: ") for line in lines) == 2


def ended(**changes: Any) -> State[Any]:
    state = train(**TINY | changes, return_state=True)
    assert isinstance(state, State)
    return state


@pytest.mark.usefixtures("prefect_server", "workplace", "no_heartbeat")
def test_a_task_that_fails_ends_both_runs_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("keras.Model.save", full)
    state = ended()
    assert state.is_failed()
    assert "No space left on device" in str(state.message)
    (run,) = runs()
    assert run.info.status == "FAILED"
    assert re.fullmatch(
        r"StorageError: cannot write '.*initial\.keras': No space left on device; make room on that disk, .*",
        run.data.tags["reason"],
    )
    assert run.data.tags["outcome"] == "failed"


@pytest.mark.usefixtures("prefect_server", "workplace", "no_heartbeat")
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"optimizer": "adm"}, "optimizer: received 'adm'"),
        ({"dataset": "folder:nowhere"}, "there is no folder 'nowhere'"),
        ({"limit_examples": 20}, "too few to split"),
        ({"device": "gpu"}, "TensorFlow sees no GPU"),
        (
            {"precision": "mixed_float16", "device": "auto"},
            "precision: received 'mixed_float16', but this machine computes on the CPU",
        ),
        ({"keep": "best", "validation_fraction": 0}, "keep: received 'best', but there are no validation images"),
        ({"accumulate": 999}, "accumulate: received 999, but the whole training has"),
    ],
)
def test_bad_input_leaves_no_run_in_mlflow(changes: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tensorflow.config.list_physical_devices", lambda *_: [])
    state = ended(**changes)
    assert state.is_failed()
    with pytest.raises(InputError, match=told):
        state.result()
    assert runs() == []


@pytest.mark.usefixtures("prefect_server", "workplace", "no_heartbeat", "no_pictures")
@pytest.mark.parametrize("changes", [{"validation_fraction": 0}, {}])
def test_a_run_that_diverges_is_finished_without_a_score(changes: dict[str, Any]) -> None:
    result = train(**TINY | {"loss": "mse", "learning_rate": 1e6, **changes})
    assert result.outcome == "diverged"
    assert result.test == {}
    assert result.best is None
    (run,) = runs()
    assert run.info.status == "FINISHED"
    assert run.data.tags["outcome"] == "diverged"
    assert run.data.tags["reason"] == result.reason
    assert not [name for name in run.data.metrics if name.startswith(("test_", "best_"))]
    assert mlflow_files.read_file(result.run_id, PREDICTIONS_FILE) is None
    assert mlflow_files.read_file(result.run_id, TEST_PREDICTIONS_FILE) is None
    with get_client(sync_client=True) as client:
        summary = artifacts_of(client, UUID(result.flow_run_id))["summary"]
    assert "Diverged: the loss is" in str(summary.data)
    assert list(Path("runs").iterdir()) == []


def test_called_directly_as_a_worker_does_it_claims_by_itself(called_directly: Called) -> None:
    result, directory = called_directly
    with working_in(directory):
        (run,) = runs()
    assert run.info.run_id == result.run_id
    assert run.info.status == "FINISHED"
    assert Path(run.data.tags["run.directory"]).parent == directory / "runs"
    assert list((directory / "runs").iterdir()) == []
    with get_client(sync_client=True) as client:
        flow_run = client.read_flow_run(UUID(result.flow_run_id))
    assert flow_run.tags == []
    assert flow_run.state_name == "Completed"


@pytest.fixture(scope="module")
def failed_once(prefect_server: None, tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Failed:
    """A run that failed when all was fitted, and a copy of what it left."""
    assert prefect_server is None

    def breaks(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken off")

    directory = workplace_of(tmp_path_factory, empty_store, "failed")
    with working_in(directory), pytest.MonkeyPatch.context() as patch:
        patch.setattr("tasks.evaluate.evaluate_model", breaks)
        with pytest.raises(RuntimeError, match="broken off"):
            run_train(TrainParameters(**TINY))
        (run,) = runs()
    assert run.info.status == "FAILED"
    kept = shutil.copytree(directory, tmp_path_factory.mktemp("kept") / "failed")
    return Failed(str(run.info.run_id), directory, kept)


@pytest.fixture
def failed(failed_once: Failed) -> Iterator[str]:
    """That run, as it was when it had failed."""
    run_id, directory, kept = failed_once
    for path in directory.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    shutil.copytree(kept, directory, dirs_exist_ok=True, ignore=shutil.ignore_patterns("mlflow.db"))
    # Connections that MLflow keeps open go on with the file that they have.
    with (
        contextlib.closing(sqlite3.connect(kept / "mlflow.db")) as source,
        contextlib.closing(sqlite3.connect(directory / "mlflow.db")) as target,
    ):
        source.backup(target)
    with working_in(directory):
        yield run_id


def test_a_run_that_failed_goes_on(failed: str) -> None:
    result = run_train(TrainParameters(resume=failed))
    assert result.run_id == failed
    assert result.parameters == TrainParameters(**TINY).recorded()
    (run,) = runs()
    assert run.info.status == "FINISHED"
    assert run.data.tags["outcome"] == "completed"
    assert "reason" not in run.data.tags
    assert run.data.tags["prefect.flow_run_id"] == result.flow_run_id
    for name in run.data.metrics:
        steps = [point.step for point in store().get_metric_history(failed, name)]
        assert len(steps) == len(set(steps))
    assert run.data.metrics.items() >= {name.replace("/", "_"): value for name, value in result.test.items()}.items()
    assert list(Path("runs").iterdir()) == []
    with get_client(sync_client=True) as client:
        called = client.read_flow_run(UUID(result.flow_run_id)).name
    assert called == f"{TrainParameters(**TINY).display_name()} (resumed)"
    with pytest.raises(InputError, match="has finished; there is nothing left of it to do"):
        run_train(TrainParameters(resume=failed))


@pytest.mark.usefixtures("no_heartbeat")
def test_a_run_that_failed_goes_on_with_its_own_parameters_only(failed: str) -> None:
    state = train(resume=failed, epochs=5, return_state=True)
    assert isinstance(state, State)
    with pytest.raises(InputError, match=r"resume: epochs: received 5, but run \w+ was started with 2"):
        state.result()
    (run,) = runs()
    assert (run.info.status, run.data.tags["reason"]) == ("FAILED", "RuntimeError: broken off")


def with_other_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the digits be others from now on, as a folder to which somebody adds an image."""
    original = catalogue._digits

    def others(*given: Any) -> Source:
        source = original(*given)
        images, labels = next(source.blocks["train"](16))
        changed = replace(source, blocks={"train": lambda _: iter([(images, np.roll(labels, 1))])})
        return replace(changed, identity=lambda: "other digits")

    monkeypatch.setattr(catalogue, "_digits", others)
    monkeypatch.setattr(catalogue, "_digits_identity", lambda: "other digits")


def touched(run_id: str) -> tuple[Any, ...]:
    """All that must not change when a resume is refused."""
    run = store().get_run(run_id)
    files = {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()}
    return run.info.status, run.info.end_time, run.data.tags, run.data.metrics, len(run.inputs.dataset_inputs), files


def test_a_run_goes_on_with_the_data_that_it_began_with(failed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_other_data(monkeypatch)
    result = run_train(TrainParameters(resume=failed))
    run = store().get_run(failed)
    assert result.dataset_digest == run.data.tags["dataset.digest"]
    assert len(run.inputs.dataset_inputs) == 1
    for name in ("train/loss", "train/accuracy"):
        assert [point.step for point in store().get_metric_history(failed, name)] == [1, 2]


@pytest.mark.parametrize("older", [False, True])
def test_a_run_does_not_go_on_with_other_data_and_is_left_as_it_is(
    failed: str, *, older: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = Path("runs").glob("*/run.json")
    if older:  # what an older version wrote, and no tag
        file.write_text(RunFile(**json.loads(file.read_text()) | {"dataset": None}).model_dump_json())
        store().delete_tag(failed, "dataset.digest")
    with_other_data(monkeypatch)
    kept = Path("data").rename("kept")
    before = touched(failed)
    assert [path for path in before[-1] if path.suffix == ".npz"]
    with pytest.raises(InputError, match=r"'digits' holds other data now .* nothing of it was touched"):
        run_train(TrainParameters(resume=failed))
    assert touched(failed) == before
    shutil.rmtree("data")
    kept.rename("data")  # as the message says
    assert run_train(TrainParameters(resume=failed)).outcome == "completed"


def test_a_run_that_an_older_version_let_go_on_with_other_data_is_refused(failed: str) -> None:
    (file,) = Path("runs").glob("*/run.json")
    file.write_text(RunFile(**json.loads(file.read_text()) | {"dataset": None}).model_dump_json())
    (first,) = store().get_run(failed).inputs.dataset_inputs
    other = Dataset("digits", "other", "prepared", first.dataset.source, None, first.dataset.profile)
    store().log_inputs(failed, [DatasetInput(other, [])])
    before = touched(failed)
    with pytest.raises(InputError, match=r"went on with other data at some time \(digests \w{12}, other\)"):
        run_train(TrainParameters(resume=failed))
    assert touched(failed) == before


def learned(result: TrainResult) -> list[dict[str, Any]]:
    return [row.model_dump(exclude={"step_milliseconds", "epoch_seconds"}) for row in result.epochs]


def broken_off_after_an_epoch(monkeypatch: pytest.MonkeyPatch, **given: Any) -> str:
    """Train until the first epoch is recorded, and return the id of the run."""
    original = EpochLoop._record

    def breaks(loop: EpochLoop, rows: tuple[EpochRow, ...]) -> None:
        original(loop, rows)
        if rows:
            raise RuntimeError("broken off")

    with monkeypatch.context() as patch:
        patch.setattr(EpochLoop, "_record", breaks)
        with pytest.raises(RuntimeError, match="broken off"):
            run_train(TrainParameters(**given))
    (run_id,) = [run.info.run_id for run in runs() if run.info.status == "FAILED"]
    return str(run_id)


@pytest.mark.usefixtures("prefect_server", "workplace", "no_pictures")
def test_a_run_goes_on_with_its_own_split(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    given = TINY | {"split_seed": 5}
    whole = run_train(TrainParameters(**given))
    resumed = run_train(TrainParameters(resume=broken_off_after_an_epoch(monkeypatch, **given)))
    assert learned(resumed) == learned(whole) != learned(trained.result)
    assert resumed.test == whole.test
    assert resumed.parameters["split_seed"] == 5
    run = store().get_run(resumed.run_id)
    assert run.data.params["split_seed"] == "5"
    assert resumed.dataset_digest == trained.result.dataset_digest == run.data.tags["dataset.digest"]
    kept = [mlflow_files.read_file(each.run_id, PREDICTIONS_FILE) for each in (resumed, whole)]
    assert kept[0]
    assert kept[0] == kept[1]
    assert float(np.mean(unpacked(kept[0]).right)) == run.data.metrics["validation/accuracy"]


@pytest.mark.usefixtures("prefect_server", "workplace", "no_pictures")
@pytest.mark.parametrize("where", ["tasks.fit._record", "tasks.predict.predictions_of"])
def test_predictions_are_those_of_the_end_whatever_broke_off_before_they_were_kept(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> None:
        raise RuntimeError("broken off")

    with monkeypatch.context() as patch:
        patch.setattr(where, breaks)
        with pytest.raises(RuntimeError, match="broken off"):
            run_train(TrainParameters(**TINY))
    (run,) = runs()
    result = run_train(TrainParameters(resume=run.info.run_id))
    kept = mlflow_files.read_file(result.run_id, PREDICTIONS_FILE)
    assert kept
    assert float(np.mean(unpacked(kept).right)) == result.epochs[-1].validation_accuracy
    with get_client(sync_client=True) as client:
        this = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(result.flow_run_id)]))
        names = {task_run.name.rsplit("-", 1)[0] for task_run in client.read_task_runs(flow_run_filter=this)}
    assert names == {*NODES}


def test_a_run_that_goes_on_elsewhere_is_not_resumed(failed: str) -> None:
    directory = Path(store().get_run(failed).data.tags["run.directory"])
    with FileLock(lock_path(directory)), pytest.raises(InputError) as error:
        run_train(TrainParameters(resume=failed))
    assert f"resume: run {failed!r} is going on; a live process holds {str(directory)!r}" in str(error.value)


@pytest.mark.usefixtures("prefect_server", "workplace")
def test_a_prefect_api_that_goes_away_at_the_end_takes_nothing_from_the_result(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def ends_without_the_api(*_: Any, **__: Any) -> None:
        claimed = held_claim()
        assert claimed
        claimed.result = trained.result
        raise httpx.ConnectError("refused")

    monkeypatch.setattr("flows.lifecycle.flow_run.run_flow", ends_without_the_api)
    assert run_train(TrainParameters(**TINY)) == trained.result
    assert "The Prefect API fails (ConnectError: refused), and does not know how this run ended" in caplog.text


@pytest.mark.usefixtures("prefect_server", "workplace")
def test_a_prefect_api_that_goes_away_before_there_is_a_result_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any, **__: Any) -> None:
        raise httpx.ConnectError("refused")

    monkeypatch.setattr("flows.lifecycle.flow_run.run_flow", breaks)
    with pytest.raises(httpx.ConnectError, match="refused"):
        run_train(TrainParameters(**TINY))


@pytest.mark.usefixtures("prefect_server", "workplace")
@pytest.mark.parametrize(("wanted", "seconds"), [({}, None), ({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: 60}, 60)])
def test_a_run_has_no_heartbeat_to_wait_for_unless_somebody_asked_for_it(
    trained: Trained, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, int], seconds: int | None
) -> None:
    def ends_at_once(*_: Any, **__: Any) -> None:
        assert get_current_settings().flows.heartbeat_frequency == seconds
        held_claim().result = trained.result

    monkeypatch.setattr("flows.lifecycle.flow_run.run_flow", ends_at_once)
    with temporary_settings(wanted):
        run_train(TrainParameters(**TINY))


@pytest.mark.usefixtures("no_pictures")
def test_a_run_begins_with_what_another_has_come_to(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained.directory)
    begun = trained.result
    how = {"weights": f"run:{begun.run_id}", "freeze": "backbone", "unfreeze_after": 1, "optimizer": "sgd"}
    result = run_train(TrainParameters(**{**TINY, **how, "experiment": "another"}))
    assert [row.learning_rate for row in result.epochs] == [0.05, 0.005]
    assert result.epochs[0].train_loss < begun.epochs[0].train_loss
    run = store().get_run(result.run_id)
    assert run.data.tags["weights.source"] == how["weights"]
    assert re.fullmatch("[0-9a-f]{64}", run.data.tags["weights.sha256"])
    assert (run.data.params["weights"], run.data.params["fine_tune_factor"]) == (how["weights"], "0.1")
    before = len(runs())
    for weights, told in (("run:nowhere", "has no run 'nowhere'"), (f"study:{begun.run_id}", "recommends no run")):
        with pytest.raises(InputError, match=told):
            run_train(TrainParameters(**{**TINY, "weights": weights}))
    assert len(runs()) == before  # none was opened for weights that there are not

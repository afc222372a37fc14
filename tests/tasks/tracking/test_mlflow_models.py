"""The models that runs have stored: begun, completed, found, or missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import mlflow
import mlflow.keras
import mlflow.store.db.utils
import numpy as np
import pytest
import requests
from mlflow.utils.rest_utils import verify_rest_response

from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client, mlflow_models
from tasks.tracking.outbox_entries import ModelFile, Tags
from tasks.tracking.store import tracking_uri
from tests.support.store import store


@pytest.mark.parametrize("step", ["log_model_artifacts", "log_outputs", "finalize_logged_model"])
def test_a_model_that_was_begun_is_completed(
    run_id: str,
    prepared: PreparedDataset,
    make_compiled: Callable[..., Path],
    step: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = ModelFile(path=make_compiled(), image_shape=prepared.image_shape, num_classes=10)
    original = getattr(mlflow.MlflowClient, step)

    def killed(*arguments: Any, **named: Any) -> None:
        if step != "log_model_artifacts":
            original(*arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(mlflow.MlflowClient, step, killed)
        with pytest.raises(KeyboardInterrupt):
            mlflow_client.send(run_id, entry)
    mlflow_client.send(run_id, entry)
    run = store().get_run(run_id)
    (output,) = run.outputs.model_outputs
    (model,) = store().search_logged_models([run.info.experiment_id])
    assert (model.model_id, str(model.status)) == (output.model_id, "READY")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
    assert mlflow.keras.load_model(f"runs:/{run_id}/model").output_shape == (None, 10)


@pytest.fixture
def _old_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without logged models: MLflow's before version 3, and some that are managed."""

    def not_there(*_: object, **__: object) -> None:
        response = requests.Response()
        response.status_code = 404
        verify_rest_response(response, "/api/2.0/mlflow/logged-models/search")

    for name in ("search_logged_models", "create_logged_model"):
        monkeypatch.setattr(mlflow.MlflowClient, name, not_there)


@pytest.mark.usefixtures("_old_server")
def test_where_a_server_has_no_logged_models_the_model_is_an_artifact_of_the_run(
    run_id: str,
    prepared: PreparedDataset,
    make_compiled: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entry = ModelFile(path=make_compiled(), image_shape=prepared.image_shape, num_classes=10)
    for _ in range(2):
        mlflow_client.send(run_id, entry)
    assert mlflow_client.get_run(run_id).tags["record.model"].startswith("artifact 'model' of this run")
    assert [file.path for file in store().list_artifacts(run_id)] == ["model"]
    found = mlflow_models.download_model(run_id, tmp_path)
    assert keras.models.load_model(found).output_shape == (None, 10)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
    assert mlflow.keras.load_model(f"runs:/{run_id}/model").output_shape == (None, 10)


def test_a_run_without_a_model_is_told(run_id: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^run '{run_id}' has no model: it has not ended yet; wait until it has"):
        mlflow_models.download_model(run_id, tmp_path)
    for status, told in (("FAILED", "failed; go on"), ("KILLED", "was interrupted; go on with it: .*--resume")):
        store().set_terminated(run_id, status)
        with pytest.raises(InputError, match=f"has no model: it {told}"):
            mlflow_models.download_model(run_id, tmp_path)
    store().set_terminated(run_id)
    with pytest.raises(InputError, match=r"has no model in the MLflow store.*reconcile --again"):
        mlflow_models.download_model(run_id, tmp_path)
    mlflow_client.send_now(run_id, Tags(tags={"outcome": "diverged", "reason": "NaN in epoch 2"}))
    with pytest.raises(InputError, match=rf"^run '{run_id}' has no model: it diverged \(NaN in epoch 2\); name"):
        mlflow_models.download_model(run_id, tmp_path)


def test_a_model_whose_files_are_gone_is_told(
    run_id: str, prepared: PreparedDataset, make_compiled: Callable[..., Path], tmp_path: Path
) -> None:
    entry = ModelFile(path=make_compiled(), image_shape=prepared.image_shape, num_classes=10)
    mlflow_client.send(run_id, entry)
    (output,) = store().get_run(run_id).outputs.model_outputs
    shutil.rmtree(store().get_logged_model(output.model_id).artifact_location.removeprefix("file://"))
    with pytest.raises(InputError, match=rf"^run '{run_id}' has no model any more: .* the files are gone .*; put them"):
        mlflow_models.download_model(run_id, tmp_path)


def test_a_logged_model_is_found_by_its_run_and_predicts_the_same(
    run_id: str, prepared: PreparedDataset, make_compiled: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_compiled()
    mlflow_client.send(
        run_id, ModelFile(path=path, image_shape=prepared.image_shape, num_classes=len(prepared.classes))
    )
    # As somebody who has the store and no code of ours.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
    loaded = mlflow.keras.load_model(f"runs:/{run_id}/model")
    images = np.load(prepared.directory / "images.npy")[:50]
    np.testing.assert_array_equal(loaded(images), keras.models.load_model(path)(images))
    run = store().get_run(run_id)
    (output,) = run.outputs.model_outputs
    logged: Any = store().get_logged_model(output.model_id)
    assert (logged.name, logged.source_run_id, str(logged.status)) == ("model", run_id, "READY")
    signature = mlflow.models.get_model_info(f"runs:/{run_id}/model").signature
    assert signature.inputs.inputs[0].shape == (-1, *prepared.image_shape)
    assert signature.outputs.inputs[0].shape == (-1, 10)

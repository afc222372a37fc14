"""Weights that were trained before: taken over where they fit, and told where they do not."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from models.lenet import build_lenet
from models.resnet8 import build_resnet8
from tasks.building.first_weights import DIGEST_FILE, keep_digest, with_first_weights
from tasks.building.networks import build_network, build_with_weights
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client, mlflow_models
from tasks.tracking.stored_run import RECOMMENDED_TAG, StoredRun

PIXELS = {"pixel_mean": [20.0], "pixel_deviation": [50.0]}


def source(path: Path, build: Any = build_resnet8, classes: int = 10, shape: Any = (16, 16, 1)) -> keras.Model:
    model = build(shape, classes, **{name: values * shape[2] for name, values in PIXELS.items()}, seed=99)
    for weight in model.weights:
        weight.assign(np.random.default_rng(3).normal(size=weight.shape))
    model.save(path)
    return model


def begin(prepared: PreparedDataset, path: Path, model: str = "resnet8") -> keras.Model:
    made = build_with_weights(model, prepared, 1, str(path), path.parent, download=False)
    assert made.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    return made.network


def test_all_weights_of_a_file_are_taken_over_with_the_pixel_statistics(
    prepared: PreparedDataset, tmp_path: Path
) -> None:
    trained = source(tmp_path / "mine.keras")
    network = begin(prepared, tmp_path / "mine.keras")
    images = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 1)).astype("float32")
    np.testing.assert_allclose(network(images), trained(images), rtol=1e-4, atol=1e-4)
    assert prepared.pixel_mean != (20.0,)


def test_the_head_is_drawn_where_there_are_other_classes(prepared: PreparedDataset, tmp_path: Path) -> None:
    trained = source(tmp_path / "mine.keras", classes=4)
    network = begin(prepared, tmp_path / "mine.keras")
    for mine, its in zip(network.weights[:-2], trained.weights[:-2], strict=True):
        np.testing.assert_array_equal(mine, its)
    for mine, its in zip(network.weights[-2:], build_network("resnet8", prepared, 1).weights[-2:], strict=True):
        np.testing.assert_array_equal(mine, its)


@pytest.mark.parametrize(
    ("build", "shape", "told"),
    [
        (build_lenet, (16, 16, 1), r"its weight 1 is conv1/kernel of shape \(5, 5, 1, 6\), where stem/kernel of shape"),
        (build_resnet8, (16, 16, 3), r"its weight 1 is stem/kernel of shape \(3, 3, 3, 16\), where stem/kernel of"),
    ],
)
def test_weights_of_another_network_are_told(
    prepared: PreparedDataset, tmp_path: Path, build: Any, shape: Any, told: str
) -> None:
    source(tmp_path / "mine.keras", build, shape=shape)
    with pytest.raises(InputError, match=f"weights: '.*mine.keras' is of another network than .*{told}"):
        begin(prepared, tmp_path / "mine.keras")


def test_what_is_no_file_of_keras_is_told(prepared: PreparedDataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"weights: there is no file '.*nothing.keras'; give one, run:RUN_ID"):
        begin(prepared, tmp_path / "nothing.keras")
    (tmp_path / "text.keras").write_text("no model")
    with pytest.raises(InputError, match=r"weights: '.*text.keras' cannot be read as a .keras file \(.*\); give one"):
        begin(prepared, tmp_path / "text.keras")


def test_imagenet_is_for_networks_of_keras(prepared: PreparedDataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="weights: received imagenet with model 'lenet'"):
        build_with_weights("lenet", prepared, 1, "imagenet", tmp_path, download=True)


def test_the_model_of_a_run_is_fetched(
    prepared: PreparedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = source(tmp_path / "stored.keras")
    tags = {RECOMMENDED_TAG: "a trial"}
    runs = {"a run": {}, "a trial": {}, "a study": tags}
    monkeypatch.setattr(
        mlflow_client,
        "get_run",
        lambda run_id: StoredRun(run_id, "1", "name", "FINISHED", runs[run_id], {}, {}),
    )
    asked: list[str] = []
    fetch = lambda run_id, _: asked.append(run_id) or tmp_path / "stored.keras"  # noqa: E731
    monkeypatch.setattr(mlflow_models, "download_model", fetch)
    for weights in ("run:a run", "study:a study"):
        made = with_first_weights(
            weights, partial(build_network, "resnet8", prepared, 1), tmp_path, download=False
        ).network
        np.testing.assert_array_equal(made.get_weights()[0], trained.get_weights()[0])
    assert asked == ["a run", "a trial"]


def test_a_run_that_began_with_other_weights_is_not_gone_on_with(tmp_path: Path) -> None:
    keep_digest(tmp_path, "", "mine.keras", "a" * 64)
    keep_digest(tmp_path, "", "mine.keras", "a" * 64)
    told = rf"'mine.keras' held other weights .* {'a' * 12}\) than now \(SHA-256 {'b' * 12}\)"
    with pytest.raises(InputError, match=told):
        keep_digest(tmp_path, "", "mine.keras", "b" * 64)
    assert (tmp_path / DIGEST_FILE).read_text() == "a" * 64

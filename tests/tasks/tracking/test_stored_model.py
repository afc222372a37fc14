"""What is known of a stored model: as it says itself, or as the record of an older run does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from served_model.description import DESCRIPTION_FILE, ModelDescription
from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client, mlflow_models
from tasks.tracking.stored_model import description_of, stored_model
from tasks.tracking.stored_run import StoredRun

FEATURES = {"image": "uint8 (32, 28, 3)", "classes": ["cat", "dog"]}


def run(parameters: dict[str, str], features: dict[str, Any] | None = None) -> StoredRun:
    given = FEATURES if features is None else features
    return StoredRun(
        "a run", "1", "name", "FINISHED", {"dataset.digest": "abc"}, parameters, {}, features=json.dumps(given)
    )


@pytest.mark.parametrize(
    ("parameters", "described"),
    [
        ({}, {}),
        ({"loss": "softmax_cross_entropy", "fit": "pad", "threads": "4"}, {"fit": "pad", "threads": 4}),
        ({"loss": "mse", "threads": "None"}, {"estimates": "outputs"}),
        ({"loss": "/mine.py:Focal@12"}, {"estimates": "softmax"}),
    ],
)
def test_an_older_run_is_described_by_its_record(parameters: dict[str, str], described: dict[str, Any]) -> None:
    expected = ModelDescription(("cat", "dog"), (32, 28, 3), dataset_digest="abc", **described)
    assert description_of(run(parameters)) == expected


@pytest.mark.parametrize("features", [{}, {"image": "uint8 (32, 28, 3)"}, {"classes": ["cat", "dog"], "image": "text"}])
def test_a_run_that_does_not_say_what_its_model_takes_is_told(features: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="run 'a run' does not say which images its model takes, nor the names of its"):
        description_of(run({}, features))


def test_what_lies_beside_a_model_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path := tmp_path / "model" / "data" / "model.keras").parent.mkdir(parents=True)
    monkeypatch.setattr(mlflow_models, "download_model", lambda _, __: path)
    monkeypatch.setattr(mlflow_client, "get_run", lambda _: run({}))
    assert stored_model("a run", tmp_path).description.image_shape == (32, 28, 3)
    own = ModelDescription(("1", "2", "3"), (8, 8, 1), "crop", "outputs", threads=2, dataset_digest="def")
    (beside := tmp_path / "model" / DESCRIPTION_FILE).write_text(own.packed())
    assert stored_model("a run", tmp_path) == (path, own)
    beside.write_text("{")
    with pytest.raises(InputError, match=r"the model of run 'a run': .*description.json' does not describe a model"):
        stored_model("a run", tmp_path)

"""The stored model answers to pictures through MLflow's pyfunc, of code and without a pickle."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import mlflow.keras
import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from PIL import Image

import served_model
from served_model.classifier import Classifier
from served_model.description import DESCRIPTION_FILE, ModelDescription, read_description
from tasks.data.prepared import PreparedDataset
from tasks.tracking import mlflow_client
from tasks.tracking.outbox_entries import ENTRY, ModelFile
from tasks.tracking.store import tracking_uri


@pytest.fixture
def entry(prepared: PreparedDataset, make_compiled: Callable[..., Path]) -> ModelFile:
    description = ModelDescription(prepared.classes, prepared.image_shape, dataset_digest=prepared.digest)
    return ModelFile(path=make_compiled(), image_shape=prepared.image_shape, num_classes=10, description=description)


@pytest.fixture
def send(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[ModelFile], Path]:
    """Have MLflow store a model, and return where it lies."""

    def stored(entry: ModelFile) -> Path:
        run_id = mlflow_client.create_run(mlflow_client.open_experiment("tests"), "a run", {"run.host": "here"})
        mlflow_client.send(run_id, entry)
        (path,) = workplace.glob("mlartifacts/models/*/artifacts")
        return path

    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
    return stored


def png(image: np.ndarray) -> bytes:
    Image.fromarray(image.squeeze()).save(buffer := io.BytesIO(), "PNG")
    return buffer.getvalue()


def test_it_answers_to_every_form_in_which_mlflow_hands_pictures_on(
    send: Callable[[ModelFile], Path], entry: ModelFile, prepared: PreparedDataset
) -> None:
    images = np.load(prepared.directory / "images.npy")[:50]
    files = [png(image) for image in images]
    texts = [base64.b64encode(file).decode() for file in files]
    assert entry.description
    said = Classifier(entry.path, entry.description).predict(images)
    model = mlflow.pyfunc.load_model(str(send(entry)))
    forms: list[Any] = [
        pd.DataFrame({"image": texts}),
        pd.DataFrame({"any name": files}),
        pd.DataFrame({"image": list(images)}),
        pd.DataFrame({"image": images.tolist()}),
        pd.Series(texts),
        texts,
        [{"image": text} for text in texts],
        {"image": np.array(texts)},
        np.array(texts),
        images,
        images[..., 0].tolist(),
    ]
    for form in forms:
        table = model.predict(form)
        assert list(table.columns) == ["class", "probability", "probabilities"]
        assert table["class"].tolist() == [prepared.classes[label] for label in said.predicted]
        rows = [[row[name] for name in prepared.classes] for row in table["probabilities"]]
        np.testing.assert_array_equal(np.array(rows, dtype=np.float32), said.probabilities)
        assert table["probability"].tolist() == [max(row) for row in rows]
        assert json.loads(json.dumps(table.to_dict(orient="records")))
    assert model.predict(texts[0]).equals(model.predict(texts[:1]))


NO_PICTURES: list[tuple[Any, str]] = [
    (["no picture"], "picture 0 is no base64"),
    (pd.DataFrame({"a": ["x"], "b": ["y"]}), r"received 2 columns \(a, b\)"),
    ([{"a": 1, "b": 2}], "a record of 2 entries"),
    (np.zeros((2, 28, 28, 3)), r"picture 0 is of shape \(28, 28, 3\)"),
    (np.array(3.0), "received an array of shape"),
    (3, "received int; allowed: a table"),
]


def test_what_is_no_picture_is_a_bad_request_in_words(send: Callable[[ModelFile], Path], entry: ModelFile) -> None:
    model = mlflow.pyfunc.load_model(str(send(entry)))
    for data, said in NO_PICTURES:
        with pytest.raises(MlflowException, match=said) as told:
            model.predict(data)
        assert told.value.get_http_status_code() == 400


def test_it_is_one_model_of_two_flavours_and_holds_no_pickle(
    send: Callable[[ModelFile], Path], entry: ModelFile, prepared: PreparedDataset
) -> None:
    folder = send(entry)
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    code = {f"code/served_model/{path.name}" for path in Path(served_model.__file__).parent.glob("*.py")}
    about = {"MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt", DESCRIPTION_FILE}
    assert files.keys() == code | about | {"data/keras_module.txt", "data/model.keras"}
    assert not [name for name, path in files.items() if b"pickle" in path.read_bytes() and not name.startswith("code")]
    assert read_description(files[DESCRIPTION_FILE]) == entry.description
    pinned = {f"{name}=={version(name)}" for name in ("keras", "tensorflow", "numpy", "pillow", "pandas", "mlflow")}
    assert set(files["requirements.txt"].read_text().split()) == pinned
    info = mlflow.models.get_model_info(str(folder))
    assert info.flavors.keys() == {"keras", "python_function"}
    assert info.signature.inputs is None
    assert info.signature.outputs.input_names() == ["class", "probability", "probabilities"]
    images = np.load(prepared.directory / "images.npy")[:5]
    assert mlflow.keras.load_model(str(folder))(images).shape == (5, 10)


def test_an_entry_of_an_older_version_is_stored_as_it_was(send: Callable[[ModelFile], Path], entry: ModelFile) -> None:
    line = {name: value for name, value in json.loads(entry.model_dump_json()).items() if name != "description"}
    older = ENTRY.validate_python({**line, "path": Path(line["path"])})
    assert isinstance(older, ModelFile)
    assert older == entry.model_copy(update={"description": None})
    folder = send(older)
    assert not (folder / DESCRIPTION_FILE).exists()
    assert mlflow.models.get_model_info(str(folder)).signature.inputs.inputs[0].shape == (-1, 16, 16, 1)


def test_a_description_comes_back_from_its_line(entry: ModelFile) -> None:
    assert entry.description
    other = entry.model_copy(update={"description": replace(entry.description, fit="pad", estimates="outputs")})
    assert ENTRY.validate_json(other.model_dump_json()) == other

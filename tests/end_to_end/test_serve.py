"""``python -m flows serve``: what is served is what was evaluated, and whatever is sent is answered in words."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import mlflow
import mlflow.pyfunc
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from served_model.classifier import Classifier
from served_model.description import DESCRIPTION_FILE, read_description
from tasks.data.prepared import load_prepared
from tasks.tracking.kept_predictions import unpacked
from tests.support.preloaded import Preloaded
from tests.support.running import Running, answers, free_port, wait_for
from tests.support.trainings import Trainings

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

JSON = {"Content-Type": "application/json"}


@dataclass
class Trained:
    """A run that has finished, and what it was tested on."""

    directory: Path
    run_id: str
    model_id: str

    @property
    def store(self) -> str:
        return f"sqlite:///{self.directory / 'mlflow.db'}"

    @property
    def model(self) -> Path:
        return self.directory / "mlartifacts" / "models" / self.model_id / "artifacts"

    def test_images(self) -> np.ndarray:
        (data,) = [path for path in (self.directory / "data").iterdir() if path.is_dir()]
        prepared = load_prepared(data)
        images: np.ndarray = np.load(data / "images.npy")[prepared.indices("test")]
        return images


@pytest.fixture(scope="module")
def trained(preloaded: Preloaded, empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    trainings = Trainings(preloaded, tmp_path_factory.mktemp("trained"), empty_store)
    trainings.run("train", "--dataset", "digits", "--image-size", 16, "--epochs", 2)
    recorded, _ = trainings.read()
    (model_id,) = recorded.models
    return Trained(trainings.directory, recorded.run.info.run_id, model_id)


@pytest.fixture(scope="module")
def url(trained: Trained, preloaded: Preloaded) -> Iterator[str]:
    port = free_port()
    command = ["-m", "flows", "serve", trained.run_id, "--port", str(port)]
    running = Running(command, trained.directory, preloaded.environment, preloaded.start)
    running.printed("Ctrl-C ends it")
    yield f"http://127.0.0.1:{port}"
    running.process.send_signal(signal.SIGINT)
    ended = running.ended()
    assert (ended.status, ended.err, ended.left) == (0, "", [])
    told = (
        f"Model    {trained.run_id}: 10 classes, pictures of 16x16 pixels in grey\nAddress  http://127.0.0.1:{port}/i"
    )
    assert ended.out.startswith(told)
    assert re.search(r"\n +curl -H 'Content-Type: application/json' -d @- http://\S+/invocations\n", ended.out)


def base64_png(image: np.ndarray) -> str:
    Image.fromarray(image.squeeze()).save(buffer := io.BytesIO(), "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def asked(url: str, request: Any) -> pd.DataFrame:
    answer = httpx.post(f"{url}/invocations", json=request, timeout=60)
    assert answer.status_code == 200, answer.text
    return pd.DataFrame(answer.json()["predictions"])


def rows(table: pd.DataFrame) -> np.ndarray:
    """The probabilities of a table, of shape (pictures, classes): float32 is in JSON as it is, to the last bit."""
    return np.array([list(row.values()) for row in table["probabilities"]], dtype=np.float32)


def test_what_is_served_is_what_was_evaluated_to_the_last_bit(trained: Trained, url: str) -> None:
    images = trained.test_images()
    description = read_description(trained.model / DESCRIPTION_FILE)
    (kept_file,) = trained.directory.glob(f"mlartifacts/**/{trained.run_id}/artifacts/test_predictions.npz")
    kept = unpacked(kept_file.read_bytes())
    assert len(images) == len(kept.predicted) == 359
    said = Classifier(trained.model / "data" / "model.keras", description).predict(images)
    np.testing.assert_array_equal(said.predicted, kept.predicted)
    np.testing.assert_array_equal(said.probabilities.astype(np.float16), kept.probabilities)
    assert np.mean(kept.right) > 0.8  # it has learned something that could be told wrongly

    texts = [base64_png(image) for image in images]
    classes = [description.classes[label] for label in kept.predicted]
    forms: list[Any] = [
        {"instances": texts},
        {"inputs": images.tolist()},
        {"inputs": images[..., 0].tolist()},
        {"dataframe_split": {"columns": ["image"], "data": [[text] for text in texts]}},
        {"dataframe_records": [{"image": text} for text in texts]},
    ]
    for table in (
        *(asked(url, form) for form in forms),
        mlflow.pyfunc.load_model(str(trained.model)).predict(pd.DataFrame({"image": texts})),
    ):
        assert table["class"].tolist() == classes
        np.testing.assert_array_equal(rows(table), said.probabilities)
        np.testing.assert_array_equal(table["probability"], said.probabilities.max(axis=1).astype(float))
    some = asked(url, {"instances": texts[5:12]})
    assert some["class"].tolist() == classes[5:12]
    np.testing.assert_allclose(rows(some), said.probabilities[5:12], atol=1e-5)


def test_a_hundred_at_once_are_all_answered_alike(url: str) -> None:
    image = base64_png(np.arange(256, dtype=np.uint8).reshape(16, 16))
    with ThreadPoolExecutor(100) as pool:
        tables = list(pool.map(lambda _: asked(url, {"instances": [image] * 3}), range(100)))
    assert {table.to_json() for table in tables} == {tables[0].to_json()}


def too_long() -> Iterator[bytes]:
    for _ in range(20):
        yield b" " * 2**20


@pytest.mark.parametrize(
    ("request_", "status", "said"),
    [
        ({"json": {"instances": ["no picture"]}}, 400, "picture 0 is no base64"),
        ({"json": {"instances": [base64.b64encode(b"PK\3\4 a zip").decode()]}}, 400, "its content is none of PNG"),
        ({"json": {"inputs": np.zeros((1, 16, 16, 3)).tolist()}}, 400, "picture 0 is of shape (16, 16, 3); allowed"),
        ({"json": {"inputs": np.full((1, 16, 16), 0.5).tolist()}}, 400, "which look divided by 255"),
        ({"json": {"inputs": [[["a" * 1000] * 16] * 16] * 9}}, 400, "neither a text nor rows of pixel values"),
        ({"content": b"[" * 10**6, "headers": JSON}, 400, "the request is nested too deeply"),
        ({"content": b"{'instances'", "headers": JSON}, 400, "the request is no JSON"),
        ({"json": {"instances": ["a"] * 2000}}, 413, "received 2000 pictures; allowed: 1024"),
        ({"content": b" " * 20 * 2**20, "headers": JSON}, 413, "larger than 16,777,216 bytes"),
        ({"content": too_long, "headers": JSON}, 413, "larger than 16,777,216 bytes"),
        ({"content": b"image\nabc", "headers": {"Content-Type": "text/csv"}}, 415, "send JSON"),
        ({"content": b"abc"}, 415, "send JSON"),
        ({"json": {}, "headers": {"Host": "evil.example"}}, 403, "its own names only"),
        ({"json": {}, "headers": {"Origin": "http://evil.example"}}, 403, "pages of other sites"),
    ],
    ids=lambda value: re.sub(" at 0x[0-9a-f]+", "", str(value))[:40],  # where it lies differs from process to process
)
def test_whatever_is_sent_is_answered_in_words_and_the_server_stays_up(
    url: str, request_: dict[str, Any], status: int, said: str
) -> None:
    content = request_.get("content")
    sent = {**request_, "content": content()} if callable(content) else request_
    answer = httpx.post(f"{url}/invocations", timeout=60, **sent)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert said in answer.json()["message"]
    assert answers(f"{url}/ping")


@pytest.mark.parametrize("sent", [b"\0" * 100, b"GET / HTTP/1.1\r\n\r\n", b"POST /invocations HTTP/1.1\r\nHost: "])
def test_what_is_no_http_is_no_end_of_it(url: str, sent: bytes) -> None:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        assert b" 500 " not in connection.recv(1000)
    assert answers(f"{url}/ping")


@pytest.fixture
def champion(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the run's model under a name and an alias."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", trained.store)
    client = mlflow.MlflowClient()
    client.create_registered_model("digits")
    client.create_model_version("digits", f"models:/{trained.model_id}", trained.run_id, model_id=trained.model_id)
    client.set_registered_model_alias("digits", "champion", "1")
    return "models:/digits@champion"


@pytest.mark.slow
def test_mlflow_serves_it_too_and_answers_the_same(
    trained: Trained, url: str, champion: str, start: Callable[..., Running], environment: dict[str, str]
) -> None:
    """A stranger's process: none of this checkout is on its path, and the model's own copy of the code is used."""
    port = free_port()
    command = ("-m", "mlflow", "models", "serve", "-m", champion, "--env-manager", "local", "-p", port)
    path = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
    others = {"MLFLOW_TRACKING_URI": trained.store, "PYTHONPATH": "", "PATH": path}
    running = start(*command, **others)
    theirs = f"http://127.0.0.1:{port}"

    def up() -> bool:
        assert running.process.poll() is None, running.err.read_text()
        return answers(f"{theirs}/ping")

    wait_for(up, "MLflow's scoring server")
    images = trained.test_images()[:20]
    texts = [base64_png(image) for image in images]
    for form in (
        {"instances": texts},
        {"instances": [{"image": text} for text in texts]},
        {"inputs": {"image": texts}},
        {"inputs": images.tolist()},
        {"dataframe_split": {"columns": ["image"], "data": [[text] for text in texts]}},
        {"dataframe_records": [{"image": image} for image in images.tolist()]},
    ):
        mine, other = asked(url, form), asked(theirs, form)
        assert list(mine.columns) == list(other.columns)
        assert mine["class"].tolist() == other["class"].tolist()
        np.testing.assert_allclose(rows(mine), rows(other), atol=1e-5)
        assert list(mine["probabilities"][0]) == list(other["probabilities"][0])
    for path in ("/ping", "/health", "/version"):
        assert httpx.get(f"{url}{path}").content == httpx.get(f"{theirs}{path}").content
    for form in ({"instances": ["no picture"]}, {"inputs": np.zeros((2, 9, 9, 3)).tolist()}, {"dataframe_split": []}):
        refused = [httpx.post(f"{server}/invocations", json=form) for server in (url, theirs)]
        assert [answer.status_code for answer in refused] == [400, 400]
        assert [answer.json()["error_code"] for answer in refused] == ["BAD_REQUEST", "BAD_REQUEST"]
    assert "picture 0 is no base64" in httpx.post(f"{theirs}/invocations", json={"instances": ["no picture"]}).text
    assert json.loads(httpx.post(f"{theirs}/invocations", json={"instances": texts}).text)

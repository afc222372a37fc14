"""Thousands of requests to a served model, many at once, bad ones among them: `make soak`."""

from __future__ import annotations

import base64
import io
import os
import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import keras
import mlflow
import numpy as np
import psutil
import pytest
from PIL import Image

from served_model.description import ModelDescription
from tasks.tracking import mlflow_client
from tasks.tracking.outbox_entries import ModelFile
from tasks.tracking.store import tracking_uri
from tests.support.running import Running, free_port

REQUESTS = int(os.environ.get("SOAK_REQUESTS") or 2000)
AT_ONCE = 20
GROWTH = 64 * 2**20  # bytes by which a server may grow between its first tenth and its end
SIDE = 16

pytestmark = [pytest.mark.end_to_end, pytest.mark.soak, pytest.mark.timeout(600)]


def picture(number: int) -> str:
    image = np.random.default_rng(number).integers(0, 256, (SIDE + number % 7, SIDE), dtype=np.uint8)
    Image.fromarray(image).save(buffer := io.BytesIO(), "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


PICTURES = [picture(number) for number in range(50)]
JSON = {"Content-Type": "application/json"}
# What is asked by turns, and the status that it is answered with.
KINDS: list[tuple[int, Callable[[int], dict[str, Any]]]] = [
    (200, lambda number: {"json": {"instances": [PICTURES[number % 50]]}}),
    (200, lambda number: {"json": {"inputs": np.full((3, SIDE, SIDE), number % 256).tolist()}}),
    (200, lambda number: {"json": {"dataframe_split": {"data": [[PICTURES[number % 50]]] * 5}}}),
    (400, lambda number: {"json": {"instances": [PICTURES[number % 50][: number % 60]]}}),
    (400, lambda number: {"content": b"[" * number, "headers": JSON}),
    (400, lambda number: {"json": {"inputs": np.zeros((1, 1 + number % 9, 5, 3)).tolist()}}),
    (413, lambda _: {"content": b" " * (16 * 2**20 + 1), "headers": JSON}),
    (415, lambda number: {"content": os.urandom(number)}),
]


@pytest.fixture
def run_id(workplace: Path) -> str:
    """A run with a model that has learned nothing."""
    layers = [keras.layers.Conv2D(8, 3), keras.layers.Flatten(), keras.layers.Dense(3)]
    keras.Sequential([keras.Input((SIDE, SIDE, 1)), *layers]).save(path := workplace / "model.keras")
    run_id = mlflow_client.create_run(mlflow_client.open_experiment("tests"), "a run", {"run.host": "here"})
    description = ModelDescription(("a", "b", "c"), (SIDE, SIDE, 1))
    mlflow_client.send(
        run_id, ModelFile(path=path, image_shape=(SIDE, SIDE, 1), num_classes=3, description=description)
    )
    assert mlflow.MlflowClient(tracking_uri()).get_run(run_id).outputs.model_outputs
    return run_id


def test_thousands_of_requests_neither_end_it_nor_make_it_grow(run_id: str, start: Callable[..., Running]) -> None:
    port = free_port()
    running = start("-m", "flows", "serve", run_id, "--port", port)
    running.printed("Ctrl-C ends it")
    server = psutil.Process(running.process.pid)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        first = client.post("/invocations", json={"instances": PICTURES}).json()

        def ask(number: int) -> tuple[int, int]:
            status, request = KINDS[number % len(KINDS)]
            if status == 413 and number % 5:  # a large one only now and then: most of the time would go there
                status, request = KINDS[0]
            answer = client.post("/invocations", **request(number))
            assert answer.headers["content-type"] == "application/json"
            return status, answer.status_code

        with ThreadPoolExecutor(AT_ONCE) as pool:
            counted = Counter(pool.map(ask, range(REQUESTS // 10)))
            early = server.memory_info().rss
            counted += Counter(pool.map(ask, range(REQUESTS // 10, REQUESTS)))
        late = server.memory_info().rss
        assert client.post("/invocations", json={"instances": PICTURES}).json() == first
    print(f"{dict(counted)}; memory {early / 2**20:.0f} MiB, then {late / 2**20:.0f} MiB")
    assert sum(counted.values()) == REQUESTS
    assert all(wanted == status for wanted, status in counted), counted
    assert late - early < GROWTH
    running.process.send_signal(signal.SIGINT)
    ended = running.ended()
    assert (ended.status, ended.err, ended.left) == (0, "", [])

"""What can be refused only after a look at the world: status 2, one clear message, and nothing left behind."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.dataset import prepare_dataset
from tests.support.running import Running, free_port

pytestmark = pytest.mark.end_to_end


@pytest.fixture
def refused(train: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path) -> Callable[..., str]:
    """Run a training that must be refused without a trace, and return its message."""

    def refuse(*arguments: object, **environment: str) -> str:
        before = set(tmp_path.glob("data/*/"))
        ended = train(*arguments, **environment).ended()
        assert ended.status == 2, ended
        assert ended.left == []
        assert ended.err.startswith("Bad input. "), ended.err
        assert ended.err.count("\n") == 1, ended.err
        assert "Traceback" not in ended.out
        assert runs(tmp_path) == []
        assert set(tmp_path.glob("data/*/")) == before
        return ended.err

    return refuse


def test_a_folder_that_does_not_exist(refused: Callable[..., str]) -> None:
    assert "there is no folder 'nowhere'; give an existing one" in refused("--dataset", "folder:nowhere")


def test_an_empty_folder(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "needs at least 2, one subfolder of images for each class" in refused("--dataset", "folder:empty")


def test_a_broken_image_is_named(refused: Callable[..., str], tmp_path: Path) -> None:
    from PIL import Image

    for label in ("a", "b"):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(5):
            noise = np.random.default_rng(number).integers(0, 256, (20, 20)).astype(np.uint8)
            Image.fromarray(noise).save(tmp_path / "pictures" / label / f"{number}.png")
    broken = tmp_path / "pictures" / "b" / "3.png"
    broken.write_bytes(broken.read_bytes()[:200])
    message = refused("--dataset", "folder:pictures")
    assert "1 of 10 images in 'pictures' cannot be read: b/3.png (" in message
    assert "Repair them or take them away, or have them left out with --skip-broken" in message


def test_a_damaged_prepared_dataset_is_prepared_again(
    train: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    with contextlib.chdir(tmp_path):
        digest = prepare_dataset.fn("digits", image_size=32, validation_fraction=0.1, limit_examples=300).digest
    (images,) = tmp_path.glob("data/*/images.npy")
    whole = images.read_bytes()
    images.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    ended = train("--dataset", "digits", "--limit-examples", 300, "--epochs", 1, "--json").ended()
    assert (ended.status, ended.left) == (0, [])
    assert f"\nThe prepared file {images} is damaged; the dataset is prepared again.\n" in ended.err
    assert json.loads(ended.out)["dataset_digest"] == digest
    assert images.read_bytes() == whole
    assert [path.name for path in (tmp_path / "data").glob("*/")] == [images.parent.name]
    assert [run.info.status for run in runs(tmp_path)] == ["FINISHED"]


def test_mnist_without_download(refused: Callable[..., str], tmp_path: Path) -> None:
    message = refused("--dataset", "mnist", "--download", "false", "--data-dir", tmp_path / "tfds")
    assert "'mnist' is not prepared in" in message
    assert "download is false; allow the download, or give the data_dir where it lies prepared" in message


def test_mnist_without_a_network(refused: Callable[..., str], tmp_path: Path) -> None:
    host = "storage.googleapis.com"
    try:
        socket.getaddrinfo(host, 443)
    except OSError:
        message = refused("--dataset", "mnist", "--data-dir", tmp_path / "tfds")
        assert f"{host} cannot be reached to download it" in message
        assert "use dataset digits, which needs no download" in message
    else:
        pytest.skip(f"this machine has a network: {host} resolves")


def test_an_mlflow_server_that_does_not_answer(refused: Callable[..., str], tmp_path: Path) -> None:
    uri = f"http://127.0.0.1:{free_port()}"
    started = time.monotonic()
    message = refused("--dataset", "digits", MLFLOW_TRACKING_URI=uri)
    assert time.monotonic() - started < 120  # most of it the imports; left to itself MLflow would try for four minutes
    assert not {"data", "runs"} & {path.name for path in tmp_path.iterdir()}
    assert f"the MLflow store '{uri}' cannot be used" in message
    assert "start its server or mend MLFLOW_TRACKING_URI" in message


def test_a_gpu_that_is_not_there(refused: Callable[..., str]) -> None:
    message = refused("--dataset", "digits", "--device", "gpu", CUDA_VISIBLE_DEVICES="-1")
    assert re.search("received 'gpu', but TensorFlow sees no GPU .* choose cpu or auto", message)

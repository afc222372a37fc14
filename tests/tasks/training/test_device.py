from __future__ import annotations

import sys
from typing import Literal

import pytest
import tensorflow as tf

from tasks.foundation.errors import InputError
from tasks.training import device
from tasks.training.device import gpus_are_possible, select_device, usable_gpus


def see(monkeypatch: pytest.MonkeyPatch, gpus: list[str]) -> list[str]:
    """Let TensorFlow see these GPUs; return those whose memory may grow."""
    growing: list[str] = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus if kind == "GPU" else ["CPU:0"])
    monkeypatch.setattr(
        tf.config.experimental, "set_memory_growth", lambda gpu, enable: growing.append(gpu) if enable else None
    )
    return growing


def test_a_gpu_that_is_not_there_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    see(monkeypatch, [])
    with pytest.raises(InputError, match=r"device: received 'gpu', but TensorFlow sees no GPU .*choose cpu or auto"):
        select_device("gpu")


@pytest.mark.parametrize(
    ("wanted", "gpus", "chosen"),
    [
        ("auto", [], "cpu"),
        ("cpu", [], "cpu"),
        ("auto", ["GPU:0", "GPU:1"], "gpu"),
        ("gpu", ["GPU:0"], "gpu"),
        ("cpu", ["GPU:0"], "cpu"),
    ],
)
def test_auto_takes_a_gpu_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, wanted: str, gpus: list[str], chosen: str
) -> None:
    growing = see(monkeypatch, gpus)
    assert select_device(wanted) == chosen  # type: ignore[arg-type]
    assert growing == gpus  # else one process would take all the memory of each


@pytest.mark.parametrize(
    ("wanted", "visible", "usable"),
    [
        ("auto", None, ["0", "1"]),
        ("gpu", None, ["0", "1"]),
        ("cpu", None, []),
        ("auto", "3,GPU-8f2a", ["3", "GPU-8f2a"]),
    ],
)
def test_gpus_are_named_as_the_environment_names_them(
    monkeypatch: pytest.MonkeyPatch, wanted: Literal["auto", "cpu", "gpu"], visible: str | None, usable: list[str]
) -> None:
    see(monkeypatch, ["GPU:0", "GPU:1"])
    monkeypatch.setattr(device, "gpus_are_possible", lambda: True)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert usable_gpus(wanted) == usable


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere TensorFlow has to be asked")
@pytest.mark.parametrize("libraries", [["libcuda.so.1"], []])
def test_without_the_driver_there_are_no_gpus_and_tensorflow_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, libraries: list[str]
) -> None:
    see(monkeypatch, ["GPU:0"])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def load(name: str) -> None:
        if name not in libraries:
            raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", load)
    assert gpus_are_possible() == bool(libraries)
    assert usable_gpus("auto") == (["0"] if libraries else [])

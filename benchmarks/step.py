"""Milliseconds a training step: the pipeline, the floor of the framework, and the script that a person would write."""

from __future__ import annotations

from pathlib import Path

from benchmarks.mnist import mnist
from benchmarks.plan import Plan
from benchmarks.process import answer_of, workplace
from benchmarks.result import Figure, Ratio, Result, make_result, ratios_of

OPTIMIZERS = ("momentum", "adam", "rmsprop")
EPOCHS = 3  # the first one traces and warms up, and is not counted
PROGRAMS = {"pipeline": "ours", "floor": "floor", "plain script": "plain"}
KERNELS = {"floor": {"TF_ENABLE_ONEDNN_OPTS": "1"}}  # those of the pipeline; the script takes what TensorFlow takes
LIST_GPUS = (
    "import json, tensorflow as tf; print(json.dumps([gpu.name for gpu in tf.config.list_physical_devices('GPU')]))"
)
DEVICES = {"CPU": {"CUDA_VISIBLE_DEVICES": "-1"}, "GPU": {}}


def step(plan: Plan) -> Result:
    """Measure each optimizer with each program, in turn; targets: 1.10 of the floor, 1.8 times the plain script.

    Where TensorFlow sees a GPU, it is measured in the same table; the targets are those of the CPU.
    """
    measured: dict[tuple[str, str, str], list[float]] = {}
    with mnist(plan) as (data, data_note), workplace() as home:
        devices, device_note = _devices(home)
        for number in range(plan.rounds):
            for device in devices:
                for optimizer in OPTIMIZERS:
                    for name, program in PROGRAMS.items():
                        command = ["-m", f"benchmarks.programs.{program}", optimizer, str(EPOCHS)]
                        milliseconds = answer_of(
                            command, home, TFDS_DATA_DIR=data, **DEVICES[device], **KERNELS.get(program, {})
                        )
                        measured.setdefault((device, optimizer, name), []).append(milliseconds)
                        plan.progress(number, f"{device}, {optimizer}, {name}: {milliseconds:.2f} ms a step")
    figures, ratios = figures_and_ratios(measured)
    return make_result("step", figures, ratios, [device_note, data_note])


def figures_and_ratios(measured: dict[tuple[str, str, str], list[float]]) -> tuple[list[Figure], list[Ratio]]:
    """Return what was measured, by (device, optimizer, program), and how the pipeline stands to the others."""
    figures = {key: Figure(name=", ".join(key), unit="ms a step", values=values) for key, values in measured.items()}
    ratios = []
    for device, optimizer in dict.fromkeys(key[:2] for key in figures):
        ours, floor, plain = (figures[device, optimizer, name] for name in PROGRAMS)
        at_most, at_least = (1.10, 1.8) if device == "CPU" else (None, None)
        where = f"{device}, {optimizer}"
        ratios += [
            Ratio(name=f"{where}: pipeline / floor", values=ratios_of(ours, floor), at_most=at_most),
            Ratio(name=f"{where}: plain script / pipeline", values=ratios_of(plain, ours), at_least=at_least),
        ]
    return list(figures.values()), ratios


def _devices(home: Path) -> tuple[list[str], str]:
    """Return what to measure on, and a sentence that says why."""
    if gpus := answer_of(["-c", LIST_GPUS], home):
        return ["CPU", "GPU"], f"The GPU is the first of {', '.join(gpus)}."
    return ["CPU"], "On the CPU alone: TensorFlow sees no GPU here."

"""Milliseconds a training step: the pipeline, the floor of the framework, and the script that a person would write."""

from __future__ import annotations

from itertools import product
from pathlib import Path

from benchmarks.mnist import mnist, write_synthetic
from benchmarks.plan import Plan
from benchmarks.process import answer_of, workplace
from benchmarks.result import Figure, Ratio, Result, make_result, ratios_of

OPTIMIZERS = ("momentum", "adam", "rmsprop")
EPOCHS = 3  # the first one traces and warms up, and is not counted
PROGRAMS = {"pipeline": "ours", "floor": "floor", "plain script": "plain"}
RESNET8 = {"pipeline": "ours_resnet8", "floor": "floor_resnet8"}  # on made-up images of CIFAR-10's form
CONTESTS = [*((optimizer, optimizer, PROGRAMS) for optimizer in OPTIMIZERS), ("resnet8", "momentum", RESNET8)]
CIFAR_IMAGES, SMALL_CIFAR = (12_800, 500), (1_600, 500)  # 400 steps an epoch take ten times as long as LeNet's
KERNELS = {"floor": {"TF_ENABLE_ONEDNN_OPTS": "1"}}  # those of the pipeline; the script takes what TensorFlow takes
LIST_GPUS = (
    "import json, tensorflow as tf; print(json.dumps([gpu.name for gpu in tf.config.list_physical_devices('GPU')]))"
)
DEVICES = {"CPU": {"CUDA_VISIBLE_DEVICES": "-1"}, "GPU": {}}


def step(plan: Plan) -> Result:
    """Measure LeNet with each optimizer, and ResNet-8, with each program, in turn.

    The targets are 1.10 of the floor, and for LeNet 1.8 times the plain script. Where TensorFlow sees a GPU, it is
    measured in the same table; the targets are those of the CPU.
    """
    measured: dict[tuple[str, str, str], list[float]] = {}
    with mnist(plan) as (data, data_note), workplace() as coloured, workplace() as home:
        devices, device_note = _devices(home)
        write_synthetic(coloured, *(SMALL_CIFAR if plan.small else CIFAR_IMAGES), "cifar10")
        for number in range(plan.rounds):
            for device, (contest, optimizer, programs) in product(devices, CONTESTS):
                place = str(coloured) if programs is RESNET8 else data
                for name, program in programs.items():
                    command = ["-m", f"benchmarks.programs.{program}", optimizer, str(EPOCHS)]
                    settings = {"TFDS_DATA_DIR": place, **DEVICES[device], **KERNELS.get(name, {})}
                    milliseconds = answer_of(command, home, **settings)
                    measured.setdefault((device, contest, name), []).append(milliseconds)
                    plan.progress(number, f"{device}, {contest}, {name}: {milliseconds:.2f} ms a step")
    figures, ratios = figures_and_ratios(measured)
    return make_result("step", figures, ratios, [device_note, data_note])


def figures_and_ratios(measured: dict[tuple[str, str, str], list[float]]) -> tuple[list[Figure], list[Ratio]]:
    """Return what was measured, by (device, contest, program), and how the pipeline stands to the others."""
    figures = {key: Figure(name=", ".join(key), unit="ms a step", values=values) for key, values in measured.items()}
    ratios = []
    for device, contest in dict.fromkeys(key[:2] for key in figures):
        ours, floor = (figures[device, contest, name] for name in RESNET8)
        at_most, at_least = (1.10, 1.8) if device == "CPU" else (None, None)
        where = f"{device}, {contest}"
        ratios.append(Ratio(name=f"{where}: pipeline / floor", values=ratios_of(ours, floor), at_most=at_most))
        if plain := figures.get((device, contest, "plain script")):
            values = ratios_of(plain, ours)
            ratios.append(Ratio(name=f"{where}: plain script / pipeline", values=values, at_least=at_least))
    return list(figures.values()), ratios


def _devices(home: Path) -> tuple[list[str], str]:
    """Return what to measure on, and a sentence that says why."""
    if gpus := answer_of(["-c", LIST_GPUS], home):
        return ["CPU", "GPU"], f"The GPU is the first of {', '.join(gpus)}."
    return ["CPU"], "On the CPU alone: TensorFlow sees no GPU here."

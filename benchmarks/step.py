"""Milliseconds a training step: the pipeline, the floor of the framework, and the script that a person would write."""

from __future__ import annotations

from itertools import product
from pathlib import Path

from benchmarks.mnist import mnist, write_synthetic
from benchmarks.plan import Plan
from benchmarks.process import answer_of, workplace
from benchmarks.result import Figure, Ratio, Result, make_result, ratios_of

CONTESTS = {  # a network and an optimizer, by what they are called
    **{optimizer: ("lenet", optimizer) for optimizer in ("momentum", "adam", "rmsprop")},
    "resnet8": ("resnet8", "momentum"),  # on made-up images of CIFAR-10's form
}
PROGRAMS = "benchmarks.programs"
EPOCHS = "3"  # the first one traces and warms up, and is not counted
CIFAR_IMAGES, SMALL_CIFAR = (12_800, 500), (1_600, 500)  # 400 steps an epoch take ten times as long as LeNet's
LIST_GPUS = (
    "import json, tensorflow as tf; print(json.dumps([gpu.name for gpu in tf.config.list_physical_devices('GPU')]))"
)
DEVICES = {"CPU": {"CUDA_VISIBLE_DEVICES": "-1"}, "GPU": {}}


def step(plan: Plan) -> Result:
    """Measure LeNet with each optimizer, and ResNet-8: pipeline and floor block by block in turn, and the script.

    The targets are 1.10 of the floor, and for LeNet 1.8 times the plain script. Where TensorFlow sees a GPU, it is
    measured in the same table; the targets are those of the CPU.
    """
    measured: dict[tuple[str, str, str], list[float]] = {}
    with mnist(plan) as (data, data_note), workplace() as coloured, workplace() as home:
        devices, device_note = _devices(home)
        write_synthetic(coloured, *(SMALL_CIFAR if plan.small else CIFAR_IMAGES), "cifar10")
        for number, device, contest in product(range(plan.rounds), devices, CONTESTS):
            network, optimizer = CONTESTS[contest]
            settings = {"TFDS_DATA_DIR": data if network == "lenet" else str(coloured), **DEVICES[device]}
            taken = answer_of(["-m", f"{PROGRAMS}.in_turn", network, optimizer, EPOCHS], home, **settings)
            if network == "lenet":
                plain = ["-m", f"{PROGRAMS}.plain", optimizer, EPOCHS]
                taken["plain script"] = answer_of(plain, home, **settings)
            for name, milliseconds in taken.items():
                measured.setdefault((device, contest, name), []).append(milliseconds)
                plan.progress(number, f"{device}, {contest}, {name}: {milliseconds:.2f} ms a step")
    figures, ratios = figures_and_ratios(measured)
    return make_result("step", figures, ratios, [device_note, data_note])


def figures_and_ratios(measured: dict[tuple[str, str, str], list[float]]) -> tuple[list[Figure], list[Ratio]]:
    """Return what was measured, by (device, contest, program), and how the pipeline stands to the others."""
    figures = {key: Figure(name=", ".join(key), unit="ms a step", values=values) for key, values in measured.items()}
    ratios = []
    for device, contest in dict.fromkeys(key[:2] for key in figures):
        ours, floor = (figures[device, contest, name] for name in ("pipeline", "floor"))
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

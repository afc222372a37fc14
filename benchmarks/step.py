"""Milliseconds a training step: the pipeline, the floor of the framework, and the script that a person would write."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.mnist import mnist_directory
from benchmarks.process import answer_of, workplace
from benchmarks.result import Figure, Ratio, Result, make_result, ratios_of

OPTIMIZERS = ("momentum", "adam", "rmsprop")
EPOCHS = 3  # the first one traces and warms up, and is not counted
PROGRAMS = {"pipeline": "ours", "floor": "floor", "plain script": "plain"}


def step(rounds: int, say: Callable[[str], None]) -> Result:
    """Measure each optimizer with each program, in turn; targets: 1.10 of the floor, 1.8 times the plain script."""
    data = mnist_directory()
    measured: dict[tuple[str, str], list[float]] = {}
    with workplace() as home:
        for number in range(rounds):
            for optimizer in OPTIMIZERS:
                for name, program in PROGRAMS.items():
                    command = ["-m", f"benchmarks.programs.{program}", optimizer, str(EPOCHS)]
                    milliseconds = answer_of(command, home, TFDS_DATA_DIR=data)
                    measured.setdefault((optimizer, name), []).append(milliseconds)
                    say(f"round {number + 1} of {rounds}: {optimizer}, {name}: {milliseconds:.2f} ms a step")
    figures = {
        key: Figure(name=f"{key[0]}, {key[1]}", unit="ms a step", values=values) for key, values in measured.items()
    }
    ratios = []
    for optimizer in OPTIMIZERS:
        ours, floor, plain = (figures[optimizer, name] for name in PROGRAMS)
        to_floor, to_plain = ratios_of(ours, floor), ratios_of(plain, ours)
        ratios.append(Ratio(name=f"{optimizer}: pipeline / floor", values=to_floor, at_most=1.10))
        ratios.append(Ratio(name=f"{optimizer}: plain script / pipeline", values=to_plain, at_least=1.8))
    return make_result("step", list(figures.values()), ratios, [_gpu()])


def _gpu() -> str:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    return f"On {gpus[0].name}." if gpus else "On the CPU: TensorFlow sees no GPU here."

"""What augmentation adds to a training step."""

from __future__ import annotations

from benchmarks.plan import Plan
from benchmarks.process import answer_of, workplace
from benchmarks.result import Figure, Ratio, Result, make_result, ratios_of

BLOCKS, SMALL = 40, 2  # of 32 steps, of each kind
PLAIN, TARGETS = "none", {"flip,crop": 1.10}
CPU = {"CUDA_VISIBLE_DEVICES": "-1", "TF_ENABLE_ONEDNN_OPTS": "1"}  # with the kernels of the pipeline
NOTE = "LeNet, images of 32x32 pixels in colour, batch 32, momentum, one thread; without augmentation nothing is added."


def augment(plan: Plan) -> Result:
    """Measure a step with each augmentation, in turn; target: flip and crop together cost less than a tenth."""
    measured: dict[str, list[float]] = {}
    with workplace() as home:
        for number in range(plan.rounds):
            command = ["-m", "benchmarks.programs.augmented", str(SMALL if plan.small else BLOCKS)]
            for name, milliseconds in answer_of(command, home, **CPU).items():
                measured.setdefault(name, []).append(milliseconds)
                plan.progress(number, f"{name}: {milliseconds:.2f} ms a step")
    figures = {name: Figure(name=name, unit="ms a step", values=values) for name, values in measured.items()}
    ratios = [
        Ratio(name=f"{name} / {PLAIN}", values=ratios_of(figure, figures[PLAIN]), at_most=TARGETS.get(name))
        for name, figure in figures.items()
        if name != PLAIN
    ]
    return make_result("augment", list(figures.values()), ratios, [NOTE])

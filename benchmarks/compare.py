"""Eight trainings on MNIST: a comparison with one and with two workers, and the plain script eight times over."""

from __future__ import annotations

from benchmarks.mnist import mnist
from benchmarks.plan import Plan
from benchmarks.process import seconds_of, workplace
from benchmarks.result import Figure, Ratio, Result, make_result, ratios_of

EPOCHS, TRIALS = "2", "8"
OPTIMIZERS = ["--optimizers", "sgd,momentum,adam,rmsprop", "--grid-size", "1", "--seeds", "2", "--looks", "none"]
COMPARE = ["-m", "flows", "compare", "--dataset", "mnist", "--download=false", "--epochs", EPOCHS, *OPTIMIZERS]
PLAIN = ["-m", "benchmarks.programs.plain", "momentum", EPOCHS, TRIALS]


def compare(plan: Plan) -> Result:
    """Measure from start to exit in an empty place; targets: 2 workers 1.6 times as fast, 3 times the plain script."""
    commands = {
        "plain script, 8 times": PLAIN,
        "1 worker": [*COMPARE, "--workers", "1"],
        "2 workers": [*COMPARE, "--workers", "2"],
    }
    measured: dict[str, list[float]] = {name: [] for name in commands}
    with mnist(plan) as (data, note):
        for number in range(plan.rounds):
            for name, command in commands.items():
                with workplace() as home:
                    measured[name].append(seconds_of(command, home, TFDS_DATA_DIR=data))
                plan.progress(number, f"{name}: {measured[name][-1]:.0f} s")
    plain, one, two = (Figure(name=name, unit="s", values=values) for name, values in measured.items())
    ratios = [
        Ratio(name="1 worker / 2 workers", values=ratios_of(one, two), at_least=1.6),
        Ratio(name="plain script / 2 workers", values=ratios_of(plain, two), at_least=3),
    ]
    return make_result("compare", [plain, one, two], ratios, [note])

"""How many labels that were swapped on purpose `mistakes` doubts, and how many of those that it doubts were swapped."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from benchmarks.mnist import mnist
from benchmarks.plan import Plan
from benchmarks.process import answer_of, run, workplace
from benchmarks.rate import Rate
from benchmarks.result import Figure, Result, make_result

SHARE = 0.02  # of the labels are swapped
IMAGES = 10_000  # of MNIST
OPTIMIZER = "momentum"


class Study(NamedTuple):
    """A comparison of one contender on images with swapped labels."""

    dataset: str
    images: int
    epochs: int
    seeds: int
    validation_fraction: float

    def group(self) -> str:
        """Return what its rates are shown under."""
        some = f" ({self.images:,} images)" if self.images else ""
        return f"{self.dataset}{some}, {self.seeds} seeds, {100 * self.validation_fraction:g} % for validation"


# The first of each is what a comparison has at its first look, the second what has nearly all images judged.
STUDIES = (
    Study("digits", 0, 20, 5, 0.1),
    Study("digits", 0, 20, 10, 0.3),
    Study("mnist", IMAGES, 5, 5, 0.1),
    Study("mnist", IMAGES, 5, 10, 0.3),
)
SMALL = (Study("digits", 400, 2, 2, 0.3),)


def label_issues(plan: Plan) -> Result:
    """Swap labels, compare on them, and count those among the labels that are doubted; each round swaps others."""
    studies = SMALL if plan.small else STUDIES
    figures, rates = [], []
    with mnist(plan) as (data, note):
        for study in studies:
            outcomes = []
            for number in range(plan.rounds):
                outcomes.append(outcome_of(study, number, data))
                plan.progress(number, f"{study.group()}: {outcomes[-1]['swapped']} swapped labels were judged")
            rates += rates_of(study, outcomes)
            judged = [float(outcome["judged"]) for outcome in outcomes]
            figures.append(Figure(name=f"{study.group()}: judged", unit="images", values=judged))
    return make_result("label_issues", figures, [], [note], rates)


def outcome_of(study: Study, number: int, data: str) -> dict[str, Any]:
    """Return what `doubted_labels.py` says of one study; ``number`` is the seed of what is swapped."""
    with workplace() as home:
        swap = [study.dataset, str(study.images), str(SHARE), str(number)]
        run(["-m", "benchmarks.programs.swapped_labels", *swap], home, TFDS_DATA_DIR=data)
        asked = {
            "dataset": "csv:labels.csv",
            "optimizers": OPTIMIZER,
            "grid-size": 1,
            "seeds": 1,
            "epochs": study.epochs,
            "looks": study.seeds,
            "validation-fraction": study.validation_fraction,
        }
        options = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
        compared = answer_of(["-m", "flows", "compare", *options, "--json"], home)
        outcome: dict[str, Any] = answer_of(["-m", "benchmarks.programs.doubted_labels", compared["study"]], home)
    return outcome


def rates_of(study: Study, outcomes: list[dict[str, Any]]) -> list[Rate]:
    """Return, over all rounds, what each way finds of the swapped labels that were judged, and its precision."""
    swapped = sum(outcome["swapped"] for outcome in outcomes)
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        for method, found in outcome["methods"].items():
            counts.setdefault(method, Counter()).update(found)
    default = outcomes[0]["default"]
    rates = []
    for method, count in counts.items():
        name = f"{method} (default)" if method == default else method
        shares = [("of the swapped, found", swapped), ("of the doubted, swapped", count["doubted"])]
        rates += [
            Rate(group=study.group(), name=name, what=what, times=count["found"], of=of) for what, of in shares if of
        ]
    return rates

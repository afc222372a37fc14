"""How many labels that were swapped on purpose `mistakes` doubts, and how many of those that it doubts were swapped."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NamedTuple

from benchmarks.mnist import mnist
from benchmarks.plan import Plan
from benchmarks.process import answer_of, workplace
from benchmarks.rate import Rate
from benchmarks.result import Figure, Result, make_result

SHARE = 0.02  # of the labels are swapped
IMAGES = 10_000  # of MNIST


class Models(NamedTuple):
    """What is trained on images with swapped labels: a network a seed, each with a validation split of its own."""

    dataset: str
    images: int
    epochs: int
    seeds: int
    share: float

    def group(self) -> str:
        """Return what its rates are shown under."""
        some = f" ({self.images:,} images)" if self.images else ""
        return f"{self.dataset}{some}, {self.seeds} seeds, {100 * self.share:g} % for validation"


# The first of each is what a comparison has at its first look, the second what has nearly all images judged.
MODELS = (
    Models("digits", 0, 20, 5, 0.1),
    Models("digits", 0, 20, 10, 0.3),
    Models("mnist", IMAGES, 5, 5, 0.1),
    Models("mnist", IMAGES, 5, 10, 0.3),
)
SMALL = (Models("digits", 400, 2, 2, 0.3),)


def label_issues(plan: Plan) -> Result:
    """Swap labels, train with them, and count those among the labels that are doubted; each round swaps others."""
    figures, rates = [], []
    with mnist(plan) as (data, note):
        for models in SMALL if plan.small else MODELS:
            given = {**models._asdict(), "swapped": SHARE, "rounds": plan.rounds}
            with workplace() as home:
                program = ["-m", "benchmarks.programs.swapped_labels", json.dumps(given)]
                outcomes = answer_of(program, home, TFDS_DATA_DIR=data)
            plan.say(f"{models.group()}: {outcomes[0]['swapped']} swapped labels were judged in the first round")
            rates += rates_of(models, outcomes)
            judged = [float(outcome["judged"]) for outcome in outcomes]
            figures.append(Figure(name=f"{models.group()}: judged", unit="images", values=judged))
    return make_result("label_issues", figures, [], [note], rates)


def rates_of(models: Models, outcomes: list[dict[str, Any]]) -> list[Rate]:
    """Return, over all rounds, what each way finds of the swapped labels that were judged, and its precision."""
    swapped = sum(outcome["swapped"] for outcome in outcomes)
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        for method, found in outcome["methods"].items():
            counts.setdefault(method, Counter()).update(found)
    rates = []
    for method, count in counts.items():
        shares = [("of the swapped, found", swapped), ("of the doubted, swapped", count["doubted"])]
        rates += [
            Rate(group=models.group(), name=method, what=what, times=count["found"], of=of) for what, of in shares if of
        ]
    return rates

"""Swap labels, train with them, and say how many of the swapped ones are doubted, by each way that cleanlab has.

Each swapped label becomes any other with the same probability. For each seed a network is trained on all images but
those that the seed draws for validation, as the confirm seeds of a comparison do, and judges these. Test images are
left out. Prints, as JSON, a list with an outcome for each round, in which other labels are swapped: how many images and
swapped ones were judged and, for each way, how many labels it doubts and how many of these are swapped.

Usage: swapped_labels.py JSON (an object with dataset, images (0: all), epochs, seeds, share (for validation), swapped
(share of the labels) and rounds)
"""

from __future__ import annotations

import json
import sys
from typing import Any, get_args

import numpy as np

from benchmarks.programs.pools import Contender
from study.agreement import CONFIDENT, Agreement, Answers, agreement
from tasks.dataset import prepare_dataset
from tasks.inspection.label_issues import Method, label_issues
from tasks.tracking.kept_predictions import predictions_of, small_probabilities
from tasks.training.threads import use_threads

OPTIMIZER = "momentum"
SWAPPING = 1_234


def judged_by_seeds(
    contender: Contender, images: Any, labels: Any, *, epochs: int, seeds: range, share: float
) -> Agreement:
    """Return what the models of all seeds say together of the images that each has not trained on."""
    answers = []
    for seed in seeds:
        judging, training = np.split(np.random.default_rng(seed).permutation(len(labels)), [round(share * len(labels))])
        judging = np.sort(judging)
        contender.trained(images[training], labels[training], seed, epochs)
        logits = contender.logits(images[judging], labels[judging])
        probabilities = small_probabilities(None)(logits)  # to float16, as a run keeps them
        kept = predictions_of(judging, labels[judging], logits.argmax(axis=1), probabilities)
        answers.append(Answers.of(kept.example, kept.label, kept.predicted, kept.probabilities))
    return agreement(answers)


def outcome_of(judged: Agreement, swapped: Any) -> dict[str, Any]:
    """Return how many of the swapped labels are doubted."""
    is_swapped = np.isin(judged.example, swapped)
    doubted = {method: label_issues(judged, method) for method in get_args(Method)}
    surely = (judged.wrong == judged.judging) & (judged.confidence >= CONFIDENT)
    doubted["wrong on all and confident"] = np.flatnonzero(surely)
    return {
        "judged": len(judged.example),
        "swapped": int(is_swapped.sum()),
        "methods": {
            name: {"doubted": len(rows), "found": int(is_swapped[rows].sum())} for name, rows in doubted.items()
        },
    }


def main(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the outcomes."""
    use_threads(1)
    prepared = prepare_dataset.fn(asked["dataset"], image_size=32, validation_fraction=0, download=False)
    contender, seeds = Contender(OPTIMIZER, prepared), asked["seeds"]
    chosen = np.sort(np.random.default_rng(0).permutation(prepared.indices("train"))[: asked["images"] or None])
    pixels, true = (np.load(prepared.directory / f"{name}.npy")[chosen] for name in ("images", "labels"))
    how, outcomes = {"epochs": asked["epochs"], "share": asked["share"]}, []
    for number in range(asked["rounds"]):
        random = np.random.default_rng([number, SWAPPING])  # none of those that draw what is judged
        given = true.astype(np.int32)
        swapped = random.permutation(len(given))[: round(asked["swapped"] * len(given))]
        classes = len(prepared.classes)
        given[swapped] = (given[swapped] + random.integers(1, classes, len(swapped))) % classes
        of_round = range(number * seeds, (number + 1) * seeds)
        judged = judged_by_seeds(contender, pixels, given, seeds=of_round, **how)
        outcomes.append(outcome_of(judged, swapped))
    return outcomes


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))

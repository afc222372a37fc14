"""What runs have kept of their predictions, as the answers of models about images that they have not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from flows.comparison.kept_predictions import kept_predictions
from study.agreement import Answers
from study.example_loss import are_probabilities
from tasks.tracking.kept_predictions import PREDICTIONS_FILE, TEST_PREDICTIONS_FILE, KeptPredictions

FILES = {"validation": PREDICTIONS_FILE, "test": TEST_PREDICTIONS_FILE}


@dataclass(frozen=True, eq=False)
class KeptAnswers:
    """What runs have kept.

    Attributes:
        answers: Of each run that has kept any, about its validation and its test images.
        without: The runs that have kept none.
        tested: The numbers of all images that are test images.
        names: What the source calls each image, by its number; empty where it has no names.
        estimates: Whether some of what was kept are no probabilities, but the outputs of a regression.
    """

    answers: list[Answers] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    tested: set[int] = field(default_factory=set)
    names: dict[int, str] = field(default_factory=dict)
    estimates: bool = False


def kept_answers(run_ids: Sequence[str]) -> KeptAnswers:
    """Return what runs have kept."""
    found, estimates = KeptAnswers(), False
    for run_id in run_ids:
        parts = {split: kept for split, file in FILES.items() if (kept := kept_predictions(run_id, file))}
        for split, kept in parts.items():
            found.tested.update(kept.example.tolist() if split == "test" else ())
            found.names.update(
                zip(kept.example.tolist(), kept.name.tolist(), strict=True) if kept.name is not None else ()
            )
            estimates |= not are_probabilities(kept.probabilities)
        if parts:
            found.answers.append(_together([*parts.values()]))
        else:
            found.without.append(run_id)
    return KeptAnswers(found.answers, found.without, found.tested, found.names, estimates)


def _together(parts: Sequence[KeptPredictions]) -> Answers:
    names = ("example", "label", "predicted", "probabilities")
    return Answers.of(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

"""Which labels are to be doubted: confident learning, by cleanlab (Northcutt et al. 2021)."""

from __future__ import annotations

import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from study.agreement import Agreement
from study.example_loss import example_losses, worst
from tasks.foundation.log import task_log

# How cleanlab picks the labels that it doubts: docs/mistakes.md has what each found of labels that had been swapped.
Method = Literal[
    "confident_learning",
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "predicted_neq_given",
    "low_self_confidence",
    "low_normalized_margin",
]
METHOD: Method = "low_self_confidence"
MOST_NUMBERS = 2**26  # probabilities that are given to cleanlab: a quarter of a gibibyte, held about six times over


def label_issues(judged: Agreement, method: Method = METHOD) -> NDArray[np.int64]:
    """Return the rows of ``judged`` whose labels are doubted, those with the largest loss first.

    No process is forked, and nothing is printed: cleanlab's warnings go to the log, for who looks for them there.

    Args:
        judged: What models say of images that they have not trained on.
        method: How they are picked.
    """
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        from cleanlab.filter import find_label_issues  # two seconds: pandas and scikit-learn

        found = find_label_issues(judged.label, judged.probabilities, filter_by=method, n_jobs=1)
    for warning in told:
        task_log().debug("cleanlab: %s", warning.message)
    rows = np.flatnonzero(found & (judged.predicted != judged.label))  # two classes may be alike to the last digit
    ranked = worst(example_losses(judged.probabilities[rows], judged.label[rows]), judged.confidence[rows], len(rows))
    return rows[ranked]


def why_not_judged(judged: Agreement) -> str:
    """Say why labels cannot be judged; nothing if they can."""
    images, classes = judged.probabilities.shape
    if len(np.unique(judged.label)) < 2:
        return "Labels were not judged: that takes images of at least two classes."
    if images * classes > MOST_NUMBERS:
        return (
            f"Labels were not judged: {images:,} images of {classes:,} classes are more probabilities than memory is "
            f"taken for ({MOST_NUMBERS:,})."
        )
    return ""

"""How many examples each class has, and what that means for a training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tasks.data.prepared import PreparedDataset, Split
from tasks.foundation.log import task_log

IMBALANCED = 5  # times as many images in the largest class as in the smallest: more than that is told


def class_counts(prepared: PreparedDataset, *splits: Split) -> NDArray[np.int64]:
    """Return how many examples of some splits each class has, by label; of all splits if none is named."""
    labels = np.load(prepared.directory / "labels.npy")
    chosen = [labels[prepared.indices(split)] for split in splits] or [labels]
    return np.bincount(np.concatenate(chosen), minlength=len(prepared.classes))


def tell_of_imbalance(prepared: PreparedDataset, metric: str) -> None:
    """Warn where accuracy is the metric, and classes differ so much in size that it hides how well they are known."""
    if metric == "accuracy" and (said := imbalance(prepared)):
        task_log().warning("%s", said)


def imbalance(prepared: PreparedDataset) -> str:
    """Say that classes differ much in size, as `imbalance_in_words` does."""
    return imbalance_in_words(dict(zip(prepared.classes, class_counts(prepared).tolist(), strict=True)))


def imbalance_in_words(images: Mapping[str, int]) -> str:
    """Say that classes differ much in size; nothing where they do not. Those without any image do not count.

    Args:
        images: How many there are of each class.
    """
    sizes = {name: count for name, count in images.items() if count}
    largest, smallest = (choose(sizes, key=lambda name: sizes[name]) for choose in (max, min))
    if sizes[largest] <= IMBALANCED * sizes[smallest]:
        return ""
    share = sizes[largest] / sum(sizes.values())
    return (
        f"Class {largest!r} has {sizes[largest]:,} images, class {smallest!r} {sizes[smallest]:,}: a model that always "
        f"says {largest!r} has an accuracy of {share:.2f}. Let metric be balanced_accuracy or macro_f1 if all classes "
        "matter alike."
    )

"""Which examples are trained on, validated on and tested on: the same for every run on the same data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from tasks.data.prepared import Split
from tasks.foundation.errors import InputError

SPLIT_SEED = 20_201  # Never the run's seed: all runs on the same data validate and test on the same images.
TEST_FRACTION = 0.2  # Of a set that comes without a test split.
SHOWN_LABELS = 5


def require_labels(dataset: str, labels: np.ndarray, kept: dict[str, int], classes: Sequence[str]) -> None:
    """Raise InputError if a label stands for none of the classes; sets for contests have -1 where it is kept secret.

    Args:
        dataset: The name of the set.
        labels: Of all examples that are used, split by split.
        kept: How many of them each split has.
        classes: The name of each label, by label.
    """
    wrong = (labels < 0) | (labels >= len(classes))
    parts = np.split(np.arange(len(labels)), np.cumsum(list(kept.values()))[:-1])
    told = [
        f"{wrong[part].sum()} of {len(part)} examples of the {split} split "
        f"(they have {', '.join(map(str, np.unique(labels[part][wrong[part]])[:SHOWN_LABELS]))})"
        for split, part in zip(kept, parts, strict=True)
        if wrong[part].any()
    ]
    if told:
        raise InputError(
            f"dataset: {dataset!r} has no label, or one outside of its {len(classes)} classes (0 to {len(classes) - 1})"
            f", for {' and '.join(told)}; choose a set whose every example is labelled, or save the labelled images as "
            "one folder for each class and give folder:PATH"
        )


def split_examples(labels: np.ndarray, kept: dict[str, int], validation_fraction: float) -> dict[Split, np.ndarray]:
    """Return the indices of each split, drawn from the training split where the set has none of its own.

    Args:
        labels: Of all examples, those for training before those for testing.
        kept: How many examples the set has for ``train`` and, if it has a test split, for ``test``.
        validation_fraction: Share of the training examples to be held back for validation.

    Raises:
        InputError: nothing would be left to train, validate or test on.
    """
    train = np.arange(kept["train"])
    test = np.arange(kept["train"], len(labels))
    if "test" not in kept:
        test = stratified_choice(labels[train], TEST_FRACTION, seed=SPLIT_SEED)
        train = np.setdiff1d(train, test)
    validation = np.array([], dtype=np.int64)
    if validation_fraction:
        validation = train[stratified_choice(labels[train], validation_fraction, seed=SPLIT_SEED + 1)]
        train = np.setdiff1d(train, validation)
    if not len(train) or not len(test) or (validation_fraction and not len(validation)):
        raise InputError(
            f"dataset: {len(labels)} examples of {len(np.unique(labels))} classes are too few to split into training, "
            f"validation (validation_fraction {validation_fraction:g}) and test; give at least 3 of each class"
        )
    return {"train": train, "validation": validation, "test": test}


def redrawn_splits(
    labels: np.ndarray, train: np.ndarray, validation: np.ndarray, split_seed: int
) -> dict[Split, np.ndarray]:
    """Return training and validation split drawn anew from both, with as many examples of each class in each.

    Args:
        labels: Of all examples.
        train: The indices of the training split as `split_examples` drew it; ``validation`` likewise.
        validation: It is not empty.
        split_seed: Another draws others.

    Returns:
        Indices by split: int64, sorted.
    """
    pool = np.union1d(train, validation)
    held_back = Counter(labels[validation].tolist())
    wanted = {label: held_back[label] for label in np.unique(labels[pool]).tolist()}
    drawn = pool[_choice(labels[pool], wanted, seed=(SPLIT_SEED + 1, split_seed))]
    return {"train": np.setdiff1d(pool, drawn), "validation": drawn}


def stratified_choice(labels: np.ndarray, fraction: float, *, seed: int) -> np.ndarray:
    """Return positions that hold about ``fraction`` of each class: at least one and never all where it has two.

    Returns:
        int64, sorted.
    """
    sizes = Counter(labels.tolist())
    wanted = {label: min(max(1, round(fraction * sizes[label])), sizes[label] - 1) for label in sorted(sizes)}
    return _choice(labels, wanted, seed=seed)


def _choice(labels: np.ndarray, wanted: Mapping[int, int], *, seed: int | tuple[int, int]) -> np.ndarray:
    """Return positions, sorted, of as many examples of each label as are wanted of it."""
    generator = np.random.default_rng(seed)
    members = {label: generator.permutation(np.flatnonzero(labels == label)) for label in wanted}
    return np.sort(np.concatenate([members[label][:count] for label, count in wanted.items()]))

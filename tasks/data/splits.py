"""Which examples are trained on, validated on and tested on: the same for every run on the same data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tasks.data.copies import Pairs
from tasks.data.drawing import choice, group_choice, stratified_choice
from tasks.data.prepared import Split
from tasks.data.units import Units
from tasks.foundation.errors import InputError

SPLIT_SEED = 20_201  # Never the run's seed: all runs on the same data validate and test on the same images.
TEST_FRACTION = 0.2  # Of a set that comes without a test split.
SHOWN_LABELS = 5


def require_labels(dataset: str, labels: np.ndarray, kept: Mapping[str, int], classes: Sequence[str]) -> None:
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


def require_trained_classes(labels: np.ndarray, splits: Mapping[Split, np.ndarray], classes: Sequence[str]) -> None:
    """Raise InputError if a class is held back whole, because all of its images belong to one group.

    Args:
        labels: Of all examples.
        splits: Their indices.
        classes: The name of each label, by label.
    """
    untrained = np.setdiff1d(labels, labels[splits["train"]])
    if len(untrained):
        names = ", ".join(repr(classes[label]) for label in untrained[:SHOWN_LABELS])
        more = f" and {len(untrained) - SHOWN_LABELS} more" if len(untrained) > SHOWN_LABELS else ""
        raise InputError(
            f"dataset: no image of class {names}{more} is left to train on, because groups are kept together and all "
            "of its images belong to those that are held back; give each class images of at least 3 groups, or give "
            "the column split"
        )


def leaked(copies: Pairs, splits: Mapping[Split, np.ndarray]) -> dict[Split, int]:
    """Return how many examples that are judged by equal one that is trained on, by split.

    Args:
        copies: Pairs of equal images, as `exact_copies` finds them.
        splits: The indices of each split. What equals a validation image counts as seen by the time of the test.
    """
    first = np.arange(1 + max((int(indices.max(initial=0)) for indices in splits.values()), default=0))
    first[copies[:, 1]] = copies[:, 0]
    seen: dict[Split, np.ndarray] = {
        "validation": first[splits["train"]],
        "test": first[np.concatenate([splits["train"], splits["validation"]])],
    }
    return {split: int(np.isin(first[splits[split]], indices).sum()) for split, indices in seen.items()}


def split_examples(
    labels: np.ndarray, kept: Mapping[Any, int], validation_fraction: float, units: Units | None = None
) -> dict[Split, np.ndarray]:
    """Return the indices of each split, drawn from the training split where the set has none of its own.

    Args:
        labels: Of all examples, split by split as in ``kept``.
        kept: How many examples the set has for ``train`` and, if it has such splits, for ``validation`` and ``test``.
        validation_fraction: Share of the training examples to be held back for validation, where the set has no
            validation split.
        units: Which examples stay together in what is drawn; none: each stands for itself.

    Raises:
        InputError: nothing would be left to train, validate or test on, or a class not be trained on.
    """
    ends = np.cumsum(list(kept.values()))
    own = {split: np.arange(end - kept[split], end) for split, end in zip(kept, ends.tolist(), strict=True)}
    train = own["train"]
    test, validation = (own.get(split, np.array([], dtype=np.int64)) for split in ("test", "validation"))
    if "test" not in own:
        test = train[_drawn(labels, train, TEST_FRACTION, SPLIT_SEED, units)]
        train = np.setdiff1d(train, test)
    if "validation" not in own and validation_fraction:
        validation = train[_drawn(labels, train, validation_fraction, SPLIT_SEED + 1, units)]
        train = np.setdiff1d(train, validation)
    if empty := [split for split, count in kept.items() if not count]:
        raise InputError(
            f"dataset: of the {' and '.join(empty)} split that the data came with no image is left: none in it is of "
            "the classes that are used, or can be read; add some, use other classes, or take that split away"
        )
    if not len(train) or not len(test) or (validation_fraction and not len(validation)):
        raise InputError(
            f"dataset: {len(labels)} examples of {len(np.unique(labels))} classes are too few to split into training, "
            f"validation (validation_fraction {validation_fraction:g}) and test; give at least 3 of each class"
            + (", which are not copies of each other nor of one group, for these stay together" if units else "")
        )
    return {"train": train, "validation": validation, "test": test}


def redrawn_splits(
    labels: np.ndarray, train: np.ndarray, validation: np.ndarray, split_seed: int, units: Units | None = None
) -> dict[Split, np.ndarray]:
    """Return training and validation split drawn anew from both, with as many examples of each class in each.

    Args:
        labels: Of all examples.
        train: The indices of the training split as `split_examples` drew it; ``validation`` likewise.
        validation: It is not empty.
        split_seed: Another draws others.
        units: Which examples stay together: then each class has about as many examples in each.

    Returns:
        Indices by split: int64, sorted.
    """
    pool = np.union1d(train, validation)
    seed = (SPLIT_SEED + 1, split_seed)
    if units and units.grouped:
        drawn = pool[group_choice(labels[pool], units.numbers[pool], len(validation) / len(pool), seed=seed)]
    else:
        held_back = Counter(labels[validation].tolist())
        wanted = {label: held_back[label] for label in np.unique(labels[pool]).tolist()}
        drawn = pool[choice(labels[pool], wanted, seed=seed, units=units.numbers[pool] if units else None)]
    return {"train": np.setdiff1d(pool, drawn), "validation": drawn}


def _drawn(labels: np.ndarray, train: np.ndarray, fraction: float, seed: int, units: Units | None) -> np.ndarray:
    """Return positions within ``train`` of what is held back of it."""
    numbers = units.numbers[train] if units else None
    if units and numbers is not None and units.grouped:
        return group_choice(labels[train], numbers, fraction, seed=seed)
    return stratified_choice(labels[train], fraction, seed=seed, units=numbers)

"""How examples are drawn by class: one by one, in units of copies, or in groups. The same for each seed."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.foundation.errors import InputError

Positions = NDArray[np.int64]  # ascending
Seed = int | tuple[int, int]
MOST_FOLDS = 20  # of which whole ones are taken: a share is met to a twentieth


def stratified_choice(
    labels: NDArray[Any], fraction: float, *, seed: Seed, units: Positions | None = None
) -> Positions:
    """Return positions that hold about ``fraction`` of each class; at least one unit and never all where it has two.

    Args:
        labels: Of all examples to choose from.
        fraction: Greater than 0, less than 1.
        seed: Another chooses others.
        units: As `choice` takes them.
    """
    sizes = Counter(labels.tolist())
    wanted = {label: min(max(1, round(fraction * sizes[label])), sizes[label] - 1) for label in sorted(sizes)}
    firsts, of_unit = _first_and_size(units, len(labels))
    for label, count in wanted.items():
        whole = of_unit[firsts[labels[firsts] == label]]
        if len(whole) > 1:  # where all units are larger than what is wanted, there is one of them nevertheless
            wanted[label] = max(count, int(whole.min()))
    return choice(labels, wanted, seed=seed, units=units)


def choice(labels: NDArray[Any], wanted: Mapping[int, int], *, seed: Seed, units: Positions | None = None) -> Positions:
    """Return positions of as many examples of each label as are wanted of it.

    Args:
        labels: Of all examples to choose from.
        wanted: By label.
        seed: Another chooses others.
        units: Numbers that are equal for examples that stay together; none: each stands for itself. A unit counts for
            the label of its first example, and is passed over where more would be chosen than are wanted, so that some
            fewer may be.
    """
    generator = np.random.default_rng(seed)
    firsts, sizes = _first_and_size(units, len(labels))
    chosen = []
    for label, count in wanted.items():
        members = generator.permutation(firsts[labels[firsts] == label])
        chosen.append(members[_that_fit(sizes[members], count)])
    drawn: Positions = np.concatenate(chosen or [np.empty(0, dtype=np.int64)])
    return np.sort(drawn) if units is None else np.flatnonzero(np.isin(units, units[drawn]))


def group_choice(labels: NDArray[Any], groups: NDArray[np.int64], fraction: float, *, seed: Seed) -> Positions:
    """Return positions of whole groups that hold about ``fraction`` of the examples, of each class as near as it can.

    scikit-learn's StratifiedGroupKFold deals the groups into folds, of which as many are taken as make up the share.
    GroupShuffleSplit would take a share of the groups, however many images of which class these have.

    Raises:
        InputError: there are fewer than two groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # which takes a second

    count = len(np.unique(groups))
    if count < 2:
        raise InputError(
            f"dataset: {len(labels)} examples that are to be split belong to {count} group; give at least 2 groups, so "
            "that one can be held back (3 in all to train, validate and test), or leave the column group out"
        )
    most = max(2, min(count, MOST_FOLDS, Counter(labels.tolist()).most_common(1)[0][1]))
    share = Fraction(fraction).limit_denominator(most)
    share = min(max(share, Fraction(1, most)), Fraction(most - 1, most))
    one_number = int(np.random.SeedSequence(seed).generate_state(1)[0])
    dealt = StratifiedGroupKFold(share.denominator, shuffle=True, random_state=one_number)
    with warnings.catch_warnings():
        # A class of fewer images than folds cannot be in each of them: the page of the dataset tells of small classes.
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        folds = [held for _, held in dealt.split(labels, labels, groups)]
    chosen: Positions = np.sort(np.concatenate(folds[: share.numerator])).astype(np.int64)
    return chosen


def _first_and_size(units: Positions | None, count: int) -> tuple[Positions, NDArray[np.int64]]:
    """Return the position of the first example of each unit, and how many it has."""
    if units is None:
        return np.arange(count), np.ones(count, dtype=np.int64)
    _, firsts, of_first = np.unique(units, return_index=True, return_counts=True)
    sizes = np.zeros(count, dtype=np.int64)
    sizes[firsts] = of_first
    return np.sort(firsts), sizes


def _that_fit(sizes: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Return which units are taken, in their order, until there are ``count`` examples or no unit is small enough."""
    if (sizes == 1).all():
        return np.arange(len(sizes)) < count
    taken, left = np.zeros(len(sizes), dtype=bool), count
    for at, size in enumerate(sizes.tolist()):
        taken[at] = size <= left
        left -= size * int(taken[at])
    return taken

"""Units: examples that never lie in two splits, because they are copies of each other or belong to one group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tasks.data.copies import MOST_IMAGES, Pairs, exact_copies, near_copies
from tasks.foundation.errors import InputError


@dataclass(frozen=True, eq=False)
class Units:
    """Which examples never lie in two splits that are drawn.

    Attributes:
        numbers: Equal for the examples of a unit: the position of its first; int64 of shape (examples,).
        grouped: Whether a person named groups, which may hold images of many classes; else all are copies.
    """

    numbers: NDArray[np.int64]
    grouped: bool


KeepTogether = Literal["exact", "near", "none"]


def copies_of(images: NDArray[np.uint8], keep_together: KeepTogether) -> Pairs:
    """Return the pairs of images that are to be kept together. Raises InputError where there are too many to compare.

    Args:
        images: Of shape (examples, height, width, channels).
        keep_together: ``exact``: those that are equal in every pixel; ``near``: those that are nearly so too.
    """
    if keep_together == "none":
        return np.empty((0, 2), dtype=np.int64)
    if keep_together == "exact":
        return exact_copies(images)
    if len(images) > MOST_IMAGES:
        raise InputError(
            f"keep_together: received near, but all pairs of {len(images)} images would have to be compared; allowed "
            f"for at most {MOST_IMAGES} images: choose exact, or name in a csv the group that each image belongs to"
        )
    return near_copies(images)


def units_of(count: int, groups: Sequence[str], copies: Pairs) -> Units | None:
    """Return the units of ``count`` examples, or none where every example stands for itself.

    Args:
        count: How many examples there are.
        groups: The group that each belongs to, empty where it belongs to none; without any entry there are no groups.
        copies: Pairs of examples that belong together.
    """
    first: dict[str, int] = {}
    of_groups = [(first.setdefault(group, at), at) for at, group in enumerate(groups) if group]
    pairs = np.concatenate([np.array(of_groups, dtype=np.int64).reshape(-1, 2), copies])
    if not len(pairs):
        return None
    # Imported where it is needed: most data has no copies and no groups, and each worker would wait for it.
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    linked = coo_matrix((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, component = connected_components(linked, directed=False)
    firsts = np.unique(component, return_index=True)[1]
    return Units(firsts[component].astype(np.int64), grouped=bool(of_groups))

"""Labelled images on their way into a prepared dataset: what every source of them gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from served_model.fit import Fit

# One split at a given image size, block by block, in an order that never changes: images, uint8 of shape
# (examples, size, size, channels), and labels, int64 of shape (examples,).
Block = tuple[np.ndarray, np.ndarray]
Blocks = Callable[[int], Iterator[Block]]
BLOCK_EXAMPLES = 1024
BLOCK_BYTES = 16 * 2**20


def block_examples(bytes_each: int) -> int:
    """Return how many examples, which take so many bytes each, are read at a time."""
    return max(1, min(BLOCK_EXAMPLES, BLOCK_BYTES // bytes_each))


@dataclass(frozen=True)
class Reading:
    """How a source is read.

    Attributes:
        fit: How an image that is not square becomes square.
        classes: The names of those classes that are used, as a person gave them; none: all.
        skip_broken: Leave out what cannot be read, instead of refusing all.
    """

    fit: Fit = "stretch"
    classes: tuple[str, ...] | None = None
    skip_broken: bool = False


def _no_sizes() -> np.ndarray:
    return np.empty((0, 2), dtype=np.int32)


@dataclass(frozen=True)
class SourceFacts:
    """What became known of a source while its blocks were read.

    Attributes:
        names: What a person knows each example by, a path below the folder or the CSV's, by split and in the order of
            its blocks; a split that is not there has positions for names. Of as many examples as were read, which may
            be more than were taken.
        groups: Likewise which group each example belongs to, empty where it belongs to none. A split that is not there
            has no groups.
        sizes: Width and height of each example before it was resized, split after split as in ``names``: int32 of shape
            (examples, 2); of shape (0, 2) where they are not known.
        icc_profiles: How many images have a colour profile, which is not applied.
        passed_over: Files that are no images, or belong to no class.
        broken: Files that hold an image which cannot be read, and were left out as was asked for.
    """

    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sizes: np.ndarray = field(default_factory=_no_sizes)
    icc_profiles: int = 0
    passed_over: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A labelled image set before preparation.

    Attributes:
        location: Where they come from, for a person.
        classes: The name of each label, by label.
        channels: 1 (grey) or 3 (colour).
        counts: Examples in each split, in the order ``train``, ``validation``, ``test``; the first is always there. No
            more than these are read; fewer, where broken ones or other classes are left out.
        blocks: The resized examples of each split, by its name.
        identity: Says what the source holds now, as a text that changes with it.
        facts: What became known while the blocks were read, to be asked for after them. Raises InputError, which names
            all images that could not be read, where these are not to be left out.
    """

    location: str
    classes: tuple[str, ...]
    channels: int
    counts: dict[str, int]
    blocks: dict[str, Blocks]
    identity: Callable[[], str]
    facts: Callable[[], SourceFacts] = SourceFacts

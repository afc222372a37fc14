"""Some classes of a set alone, for a quick try."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from tasks.foundation.errors import InputError
from tasks.sources.images import Block, Blocks, Source
from tasks.sources.listed import listed


def chosen_classes(known: Sequence[str], wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return the wanted ones of the known classes, in the order of these; all where none are named.

    Raises:
        InputError: some are not known, or fewer than two are left.
    """
    if wanted is None:
        return tuple(known)
    names = {unicodedata.normalize("NFC", name): name for name in known}
    asked = [unicodedata.normalize("NFC", name) for name in wanted]
    if unknown := [name for name in asked if name not in names]:
        close = difflib.get_close_matches(unknown[0], names, n=3)
        raise InputError(
            f"classes: the dataset has no class {listed(map(repr, unknown))}"
            + (f"; did you mean {' or '.join(map(repr, close))}?" if close else ".")
            + f" It has: {listed(known)}"
        )
    chosen = tuple(name for asked_name, name in names.items() if asked_name in asked)
    if len(chosen) < 2:
        raise InputError(f"classes: received {', '.join(wanted)}; there have to be at least 2 to tell apart")
    return chosen


def only_classes(source: Source, wanted: Sequence[str] | None) -> Source:
    """Return the examples of the wanted classes alone, which get labels of their own. Raises InputError."""
    chosen = chosen_classes(source.classes, wanted)
    if chosen == source.classes:
        return source
    new_labels = np.full(len(source.classes), -1)
    new_labels[[source.classes.index(name) for name in chosen]] = np.arange(len(chosen))
    blocks: dict[str, Blocks] = {split: partial(_blocks, every, new_labels) for split, every in source.blocks.items()}
    return replace(source, classes=chosen, blocks=blocks)


def _blocks(blocks: Blocks, new_labels: np.ndarray, size: int) -> Iterator[Block]:
    for images, labels in blocks(size):
        known = (labels >= 0) & (labels < len(new_labels))  # a label that stands for no class is told of later
        relabelled = np.where(known, new_labels[np.where(known, labels, 0)], labels)
        chosen = ~known | (relabelled >= 0)
        if chosen.any():
            yield images[chosen], relabelled[chosen]

"""The order in which the examples of an epoch are read, and how it is cut into blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np


def epoch_passes(num_examples: int, *, seed: int, epoch: int, shuffle: bool, repeat: int) -> Iterator[np.ndarray]:
    """Yield the positions of the examples in one epoch: ``repeat`` passes, each shuffled by itself.

    A function of its arguments alone, so that a resumed run sees the data that an uninterrupted one would have.

    Yields:
        int64 of shape (num_examples,), made when it is asked for: there may be thousands.
    """
    generator = np.random.default_rng((seed, epoch))
    for _ in range(repeat):
        yield generator.permutation(num_examples) if shuffle else np.arange(num_examples)


def cut(passes: Iterable[np.ndarray], *, block: int, skip: int) -> Iterator[np.ndarray]:
    """Yield passes one after the other, without the first ``skip`` positions, as blocks of ``block`` positions.

    The last block takes what is left. No more is kept at a time than a pass and a block.
    """
    parts: list[np.ndarray] = []
    for one_pass in passes:
        parts.append(one_pass[skip:])
        skip = max(0, skip - len(one_pass))
        if sum(map(len, parts)) < block:
            continue
        joined = np.concatenate(parts)
        whole = len(joined) - len(joined) % block
        yield from np.split(joined[:whole], whole // block)
        parts = [joined[whole:]]
    if any(map(len, parts)):
        yield np.concatenate(parts)

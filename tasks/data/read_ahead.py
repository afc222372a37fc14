"""Reading in blocks, each while the one before is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Place = TypeVar("Place")
Block = TypeVar("Block")


def read_ahead(read: Callable[[Place], Block], places: Iterable[Place]) -> Iterator[Block]:
    """Yield what ``read`` makes of each of the ``places``, in their order; it is called from one thread, one ahead."""
    # A thread, and not tf.data's from_generator: that keeps every generator, with its arrays, until the process ends.
    with ThreadPoolExecutor(max_workers=1) as reader:
        ahead: Future[Block] | None = None
        for place in places:
            ready, ahead = ahead, reader.submit(read, place)
            if ready:
                yield ready.result()
        if ahead:
            yield ahead.result()

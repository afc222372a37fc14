"""Many image files, decoded by threads on all cores, in order, a bounded number of them ahead.

Threads and not processes: Pillow reads, decodes and resizes without holding Python's lock.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from served_model.decoding import Decoded, UnreadableImageError, decode
from served_model.fit import Fit
from served_model.room import Room

CHUNK_FILES, CHUNK_BYTES = 32, 2**20  # that a thread decodes in one go, so that tiny files are not mostly waiting
AHEAD = 2  # chunks for each thread
THREADS_EACH = 2  # for each core: some wait for the disk while others compute


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def decoded_in_order(paths: Sequence[Path], *, size: int, channels: int, fit: Fit) -> Generator[Decoded | str]:
    """Yield each image as `decode` returns it; why it cannot be read, in words, for one that cannot."""
    room = Room()

    def decoded(path: Path) -> Decoded | str:
        if not path.is_file() and path.exists() and not path.is_dir():  # from a pipe nothing may ever come
            return "it is a pipe or a device, and no file"
        try:
            return decode(path, size=size, channels=channels, fit=fit, room=room)
        except UnreadableImageError as error:
            return str(error)  # and not the error itself: its traceback would keep the image

    def some_decoded(some: Sequence[Path]) -> list[Decoded | str]:
        return [decoded(path) for path in some]

    each = max(1, min(CHUNK_FILES, CHUNK_BYTES // (size * size * channels)))
    threads = THREADS_EACH * usable_cores()
    ahead: deque[Future[list[Decoded | str]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for start in range(0, len(paths), each):
                ahead.append(pool.submit(some_decoded, paths[start : start + each]))
                if len(ahead) > AHEAD * threads:
                    yield from ahead.popleft().result()
            while ahead:
                yield from ahead.popleft().result()
        finally:  # nobody wants the rest, if this ends early
            for future in ahead:
                future.cancel()

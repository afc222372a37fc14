"""Memory that threads share: whoever needs some waits until there is enough."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

ROOM_BYTES = 192 * 2**20


class Room:
    """So many bytes; what needs more than all of them has them to itself."""

    def __init__(self, num_bytes: int = ROOM_BYTES) -> None:
        self._all = self._free = num_bytes
        self._changed = threading.Condition()

    @contextmanager
    def taking(self, num_bytes: int) -> Iterator[None]:
        """Take ``num_bytes``, or all of it, for as long as this lasts; waits until they are free."""
        taken = min(num_bytes, self._all)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= taken)
            self._free -= taken
        try:
            yield
        finally:
            with self._changed:
                self._free += taken
                self._changed.notify_all()

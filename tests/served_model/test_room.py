"""Memory that threads share: nobody gets it twice, and what is too large for all of it gets it alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from served_model.room import Room


def test_no_more_is_taken_at_a_time_than_there_is() -> None:
    room, lock, held, most = Room(100), threading.Lock(), 0, 0

    def work(num_bytes: int) -> None:
        nonlocal held, most
        with room.taking(num_bytes):
            with lock:
                held += num_bytes
                most = max(most, held)
            threading.Event().wait(0.002)
            with lock:
                held -= num_bytes

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [30, 40, 50, 20, 60] * 10))
    assert 60 < most <= 100


def test_what_is_larger_than_all_waits_for_all_of_it() -> None:
    room, alone = Room(100), threading.Event()

    def take_more_than_all() -> None:
        with room.taking(1000):
            alone.set()

    with room.taking(1):
        thread = threading.Thread(target=take_more_than_all)
        thread.start()
        assert not alone.wait(0.1)
    thread.join(10)
    assert alone.is_set()

"""Waiting for a store that has answered before in this command, and does not now.

A store that never answered is most likely named wrongly, which is told at once; one that did comes back, mostly soon.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from tasks.foundation.errors import StoreAwayError
from tasks.foundation.log import task_log
from tasks.tracking.store import tracking_uri

P = ParamSpec("P")
R = TypeVar("R")

PATIENCE_SECONDS = 300.0
FIRST_DELAY, LONGEST_DELAY = 1.0, 15.0  # seconds between attempts, doubled from one to the next

# How a thread waits: one that has to look whether it is still wanted puts its own way here.
pause: ContextVar[Callable[[float], None]] = ContextVar("pause", default=time.sleep)
_waits: ContextVar[bool] = ContextVar("waits", default=True)
_answered: set[str] = set()  # the stores that this command has had an answer from
_given_up: set[str] = set()  # those of them that were waited for in vain, and have not answered since


def has_answered() -> bool:
    """Return whether the store has answered before in this command."""
    return tracking_uri() in _answered


def expect_answers() -> None:
    """Take it that the store answers: this process has not asked it yet, or another of the same command has."""
    _answered.add(tracking_uri())


@contextmanager
def without_waiting() -> Iterator[None]:
    """Let the block's questions fail at once where the store does not answer."""
    token = _waits.set(False)
    try:
        yield
    finally:
        _waits.reset(token)


def waits_for_store(question: Callable[P, R]) -> Callable[P, R]:
    """Let ``question`` be asked again while it raises `StoreAwayError`, with growing delays, for some minutes.

    Once that was in vain, no other question waits until one was answered: a command whose store is gone has to end.
    """

    @wraps(question)
    def ask(*args: P.args, **kwargs: P.kwargs) -> R:
        started, delay = time.monotonic(), FIRST_DELAY
        while True:
            try:
                answer = question(*args, **kwargs)
            except StoreAwayError as away:
                if not _waits.get() or tracking_uri() in _given_up or not has_answered():
                    raise
                if time.monotonic() - started + delay > PATIENCE_SECONDS:
                    _given_up.add(tracking_uri())
                    raise StoreAwayError(f"{away}. It was waited for, for {PATIENCE_SECONDS / 60:g} minutes") from away
                if delay == FIRST_DELAY:
                    task_log().warning("%s. Waiting for it, for %g minutes at most.", away, PATIENCE_SECONDS / 60)
                pause.get()(delay)
                delay = min(2 * delay, LONGEST_DELAY)
                continue
            _given_up.discard(tracking_uri())
            if delay > FIRST_DELAY:
                task_log().info("The MLflow store answers again.")
            return answer

    return ask

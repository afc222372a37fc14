"""Work that a signal does not break off in the middle of a step."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import ContextVar, copy_context
from threading import Event, Thread
from typing import TypeVar

from tasks.foundation.log import task_log

Result = TypeVar("Result")

# A signal that the system gives to another thread does not wake the main one, which alone runs its handler.
AWAKE_SECONDS = 0.2

# Set by whoever runs work that he may want to stop, and that cannot be sent a signal.
asked_to_stop: ContextVar[Event | None] = ContextVar("asked_to_stop", default=None)


class StoppedError(KeyboardInterrupt):
    """Work ended early because that was asked for: an interruption, and no fault."""


def finish_the_step(work: Callable[[Callable[[], bool]], Result]) -> Result:
    """Return what ``work`` returns, which runs in a thread of its own.

    Handlers of signals run in the main thread. What they raise ends the waiting for ``work``, not the work: that is
    told so by the function that it is given, and waited for until it has saved what it must; then the exception goes
    on. So whoever installed the handlers (Prefect does, to tell a cancellation from a crash) finds them in place. A
    second signal goes on at once, and leaves it to the end of the process to wait for the step.

    Where no signal arrives, as in the worker of a cluster, the event in ``asked_to_stop`` has the same effect.

    Raises:
        StoppedError: that event was set.
    """
    stopping, context, outcome = asked_to_stop.get() or Event(), copy_context(), Future[Result]()

    def run() -> None:
        if not outcome.set_running_or_notify_cancel():
            return
        try:
            outcome.set_result(context.run(work, stopping.is_set))
        except BaseException as error:  # noqa: BLE001 - raised again by `result`
            outcome.set_exception(error)

    try:
        Thread(target=run, name="work").start()
        while not outcome.done():
            wait([outcome], AWAKE_SECONDS)
        result = outcome.result()
    except BaseException as ending:
        stopping.set()
        error = None if outcome.cancel() else outcome.exception()  # work that has not begun never does
        if error not in (None, ending):
            task_log().warning("%s", error)
        raise
    if stopping.is_set():
        raise StoppedError("asked to stop")
    return result

"""A signal ends the waiting, not the work."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar

import pytest

from tasks.training import interruption
from tasks.training.interruption import finish_the_step

SECONDS = 20
variable: ContextVar[str] = ContextVar("variable", default="none")


@pytest.fixture(autouse=True)
def _interrupts_raise() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # not so in a shell's background


def test_what_the_work_returns_is_returned() -> None:
    assert finish_the_step(lambda stopping: stopping()) is False


def test_the_work_sees_the_context_that_it_was_started_in() -> None:
    token = variable.set("here")
    assert finish_the_step(lambda _: variable.get()) == "here"
    variable.reset(token)


def test_what_the_work_raises_is_raised() -> None:
    def fail(_: Callable[[], bool]) -> None:
        raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        finish_the_step(fail)


def test_an_interrupted_work_comes_to_its_end_first() -> None:
    done: list[str] = []

    def work(stopping: Callable[[], bool]) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        while not stopping():
            threading.Event().wait(0.001)
        done.append("saved")

    with pytest.raises(KeyboardInterrupt):
        finish_the_step(work)
    assert done == ["saved"]


def test_a_signal_that_another_thread_gets_interrupts_too() -> None:
    sent = time.monotonic()

    def work(stopping: Callable[[], bool]) -> None:
        time.sleep(0.5)  # until the main thread waits
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        while not stopping() and time.monotonic() < sent + SECONDS:
            threading.Event().wait(0.001)

    with pytest.raises(KeyboardInterrupt):
        finish_the_step(work)
    assert time.monotonic() < sent + SECONDS


def test_the_handlers_of_others_stay_in_place() -> None:
    """Prefect tells a cancellation from a crash only where it finds its own handler."""

    def handler(*_: object) -> None:
        raise SystemExit(143)

    before = signal.signal(signal.SIGTERM, handler)

    def work(stopping: Callable[[], bool]) -> None:
        assert signal.getsignal(signal.SIGTERM) is handler
        os.kill(os.getpid(), signal.SIGTERM)
        while not stopping():
            threading.Event().wait(0.001)

    try:
        with pytest.raises(SystemExit):
            finish_the_step(work)
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_second_signal_is_not_waited_for() -> None:
    release = threading.Event()

    def work(stopping: Callable[[], bool]) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        while not stopping():
            threading.Event().wait(0.001)
        os.kill(os.getpid(), signal.SIGINT)
        release.wait(SECONDS)

    with pytest.raises(KeyboardInterrupt):
        finish_the_step(work)
    assert not release.is_set()
    release.set()


def test_a_fault_while_it_is_being_stopped_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def work(stopping: Callable[[], bool]) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        while not stopping():
            threading.Event().wait(0.001)
        raise ValueError("no room for the checkpoint")

    with pytest.raises(KeyboardInterrupt):
        finish_the_step(work)
    assert "no room for the checkpoint" in caplog.text


def test_work_that_has_not_begun_never_does(monkeypatch: pytest.MonkeyPatch) -> None:
    begin: list[Callable[[], None]] = []
    called: list[bool] = []

    class Thread(threading.Thread):
        def start(self) -> None:
            begin.append(self.run)
            raise KeyboardInterrupt

    monkeypatch.setattr(interruption, "Thread", Thread)
    with pytest.raises(KeyboardInterrupt):
        finish_the_step(lambda _: called.append(True))
    begin[0]()
    assert called == []


def test_it_works_outside_of_the_main_thread() -> None:
    results: list[bool] = []
    thread = threading.Thread(target=lambda: results.append(finish_the_step(lambda stopping: stopping())))
    thread.start()
    thread.join(SECONDS)
    assert results == [False]


def test_work_that_no_signal_reaches_can_be_asked_to_stop() -> None:
    stop, done = threading.Event(), []

    def work(stopping: Callable[[], bool]) -> None:
        stop.set()
        assert stopping()
        done.append("saved")

    token = interruption.asked_to_stop.set(stop)
    with pytest.raises(interruption.StoppedError):
        finish_the_step(work)
    interruption.asked_to_stop.reset(token)
    assert done == ["saved"]
    assert finish_the_step(lambda stopping: stopping()) is False


def test_that_is_an_interruption_and_no_fault() -> None:
    assert issubclass(interruption.StoppedError, KeyboardInterrupt)

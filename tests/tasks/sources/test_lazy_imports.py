"""Lazy imports of one thread, while another one imports."""

from __future__ import annotations

import builtins
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest
from etils import epy

from tasks.sources.lazy_imports import keep_lazy_imports_to_their_thread

WHILE_ANOTHER_THREAD_IMPORTS = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from tasks.sources.lazy_imports import keep_lazy_imports_to_their_thread

def imports():
    while not done.is_set():
        from wave import Error
        assert issubclass(Error, Exception)

keep_lazy_imports_to_their_thread()
sys.setswitchinterval(1e-6)
done = threading.Event()
with ThreadPoolExecutor(1) as other_thread:
    importing = other_thread.submit(imports)
    try:
        import tensorflow_datasets
    finally:
        done.set()
importing.result()
"""


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epy, "lazy_imports", epy.lazy_imports)
    keep_lazy_imports_to_their_thread()


def test_another_thread_imports_as_ever() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WHILE_ANOTHER_THREAD_IMPORTS], check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr


def test_this_thread_imports_when_it_needs() -> None:
    with epy.lazy_imports():
        import wave
    assert not isinstance(wave, ModuleType)
    assert issubclass(wave.Error, Exception)


def test_two_threads_leave_things_as_they_were() -> None:
    usual = builtins.__import__
    ready = threading.Barrier(2)

    def lazily() -> None:
        ready.wait()
        for _ in range(2000):
            with epy.lazy_imports():
                pass

    with ThreadPoolExecutor(2) as threads:
        for ended in [threads.submit(lazily) for _ in range(2)]:
            ended.result()
    assert builtins.__import__ is usual

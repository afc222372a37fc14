"""Keep the lazy imports of tensorflow-datasets out of the other threads of this process."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import Any

from etils import epy
from etils.epy import lazy_imports_utils

_ONE_AT_A_TIME = threading.RLock()


def keep_lazy_imports_to_their_thread() -> None:
    """Let what `etils.epy.lazy_imports` does to import statements hold for the thread that asks for it alone.

    It replaces the import of the whole process for a moment, some 130 times while tensorflow-datasets is imported.
    A thread of Prefect that imports something just then gets a module that is not there, and dies; and the process,
    which waits for that thread at its end, never ends.
    """
    epy.lazy_imports = lazy_imports


@contextmanager
def lazy_imports(
    *,
    error_callback: str | Callable[[Exception], None] | None = None,
    success_callback: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Do as `etils.epy.lazy_imports` does, in this thread."""
    thread = threading.get_ident()
    lazy = partial(
        lazy_imports_utils._lazy_import,  # noqa: SLF001 - the public function is what replaces everybody's import
        error_callback=error_callback,
        success_callback=success_callback,
    )

    def of_this_thread(*args: Any, **kwargs: Any) -> ModuleType:
        return (lazy if threading.get_ident() == thread else usual)(*args, **kwargs)

    with _ONE_AT_A_TIME:  # two threads at once would put back each other's; no import of a module happens in here
        usual = builtins.__import__
        builtins.__import__ = of_this_thread
        try:
            yield
        finally:
            builtins.__import__ = usual

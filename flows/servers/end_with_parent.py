"""Run a module, and end it, together with what it started, once standard input is closed.

The parent holds the other end. So a server goes even if its parent is killed and has no chance to stop it.
Usage: python -P follow.py MODULE ARGUMENT...
"""

from __future__ import annotations

import gc
import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 5


def _follow() -> None:
    os.read(0, 1)
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    gc.set_threshold(100_000)  # as in __main__.py: imports are most of a start
    threading.Thread(target=_follow, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)

"""Named points at which a test can have this process killed. Nothing happens unless CRASH_AT names one.

``CRASH_AT=epoch_trained`` kills at the first passage of that point, ``CRASH_AT=epoch_trained:3`` at the third.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

_passed: Counter[str] = Counter()


def crash_point(name: str) -> None:
    """Die here, as by a power cut, if that is what CRASH_AT says."""
    wanted = os.environ.get("CRASH_AT")
    if wanted is None:
        return
    _passed[name] += 1
    if wanted in (f"{name}:{_passed[name]}", name):
        os.kill(os.getpid(), signal.SIGKILL)

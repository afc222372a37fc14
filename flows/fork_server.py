"""Workers without the seconds that their imports take: forked off a process that has imported everything already."""

from __future__ import annotations

import sys
from multiprocessing import forkserver

# Elsewhere libraries of the system do not stand a fork.
START_METHOD = "forkserver" if sys.platform == "linux" else "spawn"


def start_importing() -> None:
    """Start the process that workers are forked off, unless it runs; it ends with this one.

    The settings in the environment are now those of the workers.
    """
    if START_METHOD == "forkserver":
        forkserver.set_forkserver_preload(["flows.forked"])
        forkserver.ensure_running()

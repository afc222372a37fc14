"""Processes without the seconds that imports take: forked off one that has imported everything already."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from multiprocessing import forkserver, util
from pathlib import Path

from tasks.terminal.messages import quiet_start

# Elsewhere libraries of the system do not stand a fork.
START_METHOD = "forkserver" if sys.platform == "linux" else "spawn"
SHORT_DIRECTORY = "/tmp"  # noqa: S108 - a directory of a name of its own is made in it, for this user alone
LONGEST_DIRECTORY = 60  # bytes, and 108 with the names that multiprocessing gives what lies in it


def start_fork_server() -> None:
    """Start the process that workers are forked off, unless it runs; it ends with this one.

    What it and its forks write of their own accord while they start stays off the terminal.
    """
    if START_METHOD == "forkserver":
        _keep_sockets_short()
        forkserver.set_forkserver_preload(["flows.workers.preload"])
        with quiet_start():
            forkserver.ensure_running()


def _keep_sockets_short() -> None:
    """Have multiprocessing put its sockets, whose paths may have 108 bytes, into /tmp if TMPDIR has a long name."""
    named = tempfile.gettempdir()
    if len(os.fsencode(named)) <= LONGEST_DIRECTORY:
        return
    tempfile.tempdir = SHORT_DIRECTORY
    try:
        util.get_temp_dir()  # made once in a process, and kept
    finally:
        tempfile.tempdir = named


def run_in_fork(function: Callable[..., object], *arguments: object) -> None:
    """Run a function in a process of its own, which says nothing, fails without a word, and ends with this one."""
    start_fork_server()
    process = multiprocessing.get_context("forkserver").Process(target=_run, args=(function, *arguments))
    process.start()
    try:
        process.join()
    finally:  # should this process be told to end
        process.terminate()
        process.join()


def _run(function: Callable[..., object], *arguments: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process is interrupted too, and ends this one
    threading.Thread(target=_follow, daemon=True).start()
    with Path(os.devnull).open("w") as nowhere:
        for descriptor in (1, 2):
            os.dup2(nowhere.fileno(), descriptor)
    function(*arguments)


def _follow() -> None:
    """End this process once the one that asked for it is gone, even if that was killed."""
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)

"""Python imports this at the start of each process that has this folder on PYTHONPATH: it writes down who is called."""

from __future__ import annotations

import os
import sys
from typing import Any


def _record(*words: object) -> None:
    with open(os.environ["CONNECTIONS"], "a") as file:  # noqa: PTH123 - as little as possible in every process
        file.write(" ".join(str(word) for word in words) + "\n")


def _watch(event: str, details: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = details[0].decode() if isinstance(details[0], bytes) else details[0]
        _record(host, details[1], event)
    elif event == "socket.connect" and isinstance(details[1], tuple):
        _record(*details[1][:2], event)


_record("started", *sys.argv)
sys.addaudithook(_watch)

"""Paths as people name them."""

from __future__ import annotations

import os
from pathlib import Path


def named_path(text: str) -> Path:
    """Return the path that a text names: ``~`` is a home, or stays as it was written where nobody has such a one."""
    return Path(os.path.expanduser(text))  # noqa: PTH111 - pathlib's own ends in an error there

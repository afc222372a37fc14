"""Whether what a person has named can be written, asked before any work is done for it."""

from __future__ import annotations

import os
from pathlib import Path

from tasks.foundation.errors import InputError


def require_writable_file(parameter: str, path: Path) -> None:
    """Raise InputError for a file that is a folder, or whose folder is not there or cannot be written to."""
    if path.is_dir():
        raise InputError(f"{parameter}: {str(path)!r} is a folder; give a file, which may lie in it")
    if not path.parent.is_dir():
        raise InputError(
            f"{parameter}: there is no folder {str(path.parent)!r} for {path.name!r}; make it, or give another"
        )
    _require_access(parameter, path.parent)


def require_writable_folder(parameter: str, path: Path) -> None:
    """Raise InputError for a folder that is a file or lies below one, or that cannot be written to, or be made."""
    there = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not there.is_dir():
        raise InputError(f"{parameter}: {str(there)!r} is a file; give a folder, which is made if it is not there")
    _require_access(parameter, there)


def _require_access(parameter: str, folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(
            f"{parameter}: the folder {str(folder)!r} cannot be written to; make it writable, or give another"
        )

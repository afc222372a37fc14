"""What the files of a source hold, as one digest: read once for each state that they are in."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from tasks.foundation.durable_files import storing, write_durably

DATA = Path("data")  # where prepared sets lie, and what is remembered of their sources
# A file that was written just now may be written again within one tick of its file system's clock.
SETTLED_SECONDS = 2.0
SEPARATOR = os.sep
DIGEST = "[0-9a-f]{64}"  # what is remembered; anything else is of a damaged file, and worked out anew
CHUNK_FILES = 32  # that a thread digests in one go: to hand a file over takes as long as to digest a small one


def contents_digest(root: Path, files: Sequence[Path]) -> str:
    """Return a SHA-256 over the content and the place below ``root`` of each file, in hexadecimal.

    It is remembered below ``data/`` under the sizes and times of the files, so that it takes no more than a look at
    these as long as nothing changes.

    Raises:
        OSError: a file cannot be read; its ``filename`` says which.
        StorageError: the digest cannot be kept.
    """
    stats = [path.stat() for path in files]
    names = [below(root, path) for path in files]
    # The time of the last change of a file, which nobody can set, tells what its size and time of writing do not.
    listing = [
        [name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns] for name, stat in zip(names, stats, strict=True)
    ]
    kept = (DATA / f"{_digest([str(root.resolve()), listing])[:32]}.checksum").absolute()
    if kept.is_file() and re.fullmatch(DIGEST, remembered := kept.read_text(errors="replace")):
        return remembered
    content = _digest([[name, digest] for name, digest in zip(names, _each_sha256(files), strict=True)])
    newest = max((max(stat.st_mtime, stat.st_ctime) for stat in stats), default=0.0)
    if time.time() - newest > SETTLED_SECONDS:
        with storing(kept):
            kept.parent.mkdir(parents=True, exist_ok=True)
        write_durably(kept, content.encode())
    return content


def below(root: Path, path: Path) -> str:
    """Return where a path that lies below ``root`` lies there. `Path.relative_to` takes ten times as long."""
    return SEPARATOR.join(path.parts[len(root.parts) :])


def _each_sha256(files: Sequence[Path]) -> list[str]:
    chunks = [files[start : start + CHUNK_FILES] for start in range(0, len(files), CHUNK_FILES)]
    with ThreadPoolExecutor() as pool:  # Python's lock is free while a file is read, and while it is digested
        digests = pool.map(lambda chunk: [sha256(path) for path in chunk], chunks)
        return list(chain.from_iterable(digests))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()

"""Where a set of tensorflow-datasets lies, and what it holds, found without the seconds of importing that package."""

from __future__ import annotations

import hashlib
import json
import os
import re
from importlib.metadata import version
from pathlib import Path

from tasks.foundation.durable_files import storing, write_durably
from tasks.foundation.errors import InputError
from tasks.foundation.named_paths import named_path
from tasks.sources.checksums import DATA, contents_digest


def location_file(dataset: str, data_dir: str | None) -> Path:
    """Return the file that remembers which directory tensorflow-datasets takes for ``dataset``.

    Another set, release of tensorflow-datasets or ``data_dir``, or a version or configuration more beside the set, and
    it is another file: tensorflow-datasets may choose another directory then.
    """
    root = _root(data_dir)
    beside = _beside(Path(root) / re.split("[/:]", dataset)[0])
    asked = json.dumps([dataset, root, version("tensorflow-datasets"), beside])
    return (DATA / f"{hashlib.sha256(asked.encode()).hexdigest()[:32]}.location").absolute()


def location_lock(dataset: str, data_dir: str | None) -> Path:
    """Return the lock of whoever looks for a set, and downloads it."""
    asked = json.dumps([dataset, _root(data_dir)])
    return (DATA / f"{hashlib.sha256(asked.encode()).hexdigest()[:32]}.lock").absolute()


def found_location(dataset: str, data_dir: str | None) -> str | None:
    """Return the directory of a set, if it was looked for before and is still there."""
    file = location_file(dataset, data_dir)
    location = os.fsdecode(file.read_bytes()) if file.is_file() else None
    return location if location and (_is_remote(location) or Path(location).is_dir()) else None


def remember_location(dataset: str, data_dir: str | None, location: str) -> None:
    """Keep where tensorflow-datasets found, or has put, a set. Raises StorageError."""
    file = location_file(dataset, data_dir)
    with storing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_durably(file, os.fsencode(location))


def tfds_identity(location: str) -> str:
    """Return what identifies the set in the directory ``location``: where it lies, and what its files hold.

    Of one that lies at an address (``gs://``) the address alone. A set that has a validation split of its own is
    another one than it was when that was not used. Raises InputError where a file cannot be read.
    """
    found = f"tensorflow-datasets {version('tensorflow-datasets')} {location}"
    if _is_remote(location):
        return found
    directory = Path(location)
    try:
        files = sorted(path for path in directory.rglob("*") if path.is_file())
        splits = " with its validation split" if _has_validation_split(directory) else ""
        return f"{found} {contents_digest(directory, files)}{splits}"
    except OSError as error:
        raise InputError(
            f"dataset: cannot read {str(error.filename)!r}: {error.strerror}; make the folder {location!r} readable"
        ) from error


def _has_validation_split(directory: Path) -> bool:
    described = directory / "dataset_info.json"
    if not described.is_file():
        return False
    splits = json.loads(described.read_text(encoding="utf-8")).get("splits", [])
    return any(split["name"] == "validation" for split in splits)


def _root(data_dir: str | None) -> str:
    root = data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return root if _is_remote(root) else str(named_path(root).resolve())


def _is_remote(location: str) -> bool:
    return "://" in location


def _beside(directory: Path) -> list[str]:
    """Return the names of the folders one and two levels below that of a set: its configurations and versions."""
    below = [path for path in (*directory.glob("*"), *directory.glob("*/*")) if path.is_dir()]
    names = [str(path.relative_to(directory)) for path in below]
    return sorted(name for name in names if "incomplete" not in name)  # of a download that is under way

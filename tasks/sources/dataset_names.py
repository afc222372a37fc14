"""Names of datasets that cannot be right, found without the seconds that importing tensorflow-datasets takes."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path

from tasks.foundation.errors import InputError
from tasks.foundation.named_paths import named_path

CLASS = re.compile(rb"^class (\w+)\(", re.MULTILINE)
WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=.)(?=[A-Z][a-z0-9])")  # where tensorflow-datasets cuts a class's name


def folder_of(dataset: str) -> Path:
    """Return the folder that ``folder:PATH`` names. Raises InputError if there is none."""
    root = named_path(dataset.removeprefix("folder:"))
    if not root.is_dir():
        raise InputError(f"dataset: received {dataset!r}, but there is no folder {str(root)!r}; give an existing one")
    return root


def csv_of(dataset: str) -> Path:
    """Return the file that ``csv:FILE`` names. Raises InputError if there is none."""
    file = named_path(dataset.removeprefix("csv:"))
    if not file.is_file():
        raise InputError(f"dataset: received {dataset!r}, but there is no file {str(file)!r}; give an existing one")
    return file


def require_known(dataset: str, data_dir: str | None) -> None:
    """Raise InputError if ``dataset`` is a folder or file that is not there, or a set neither known nor prepared."""
    if dataset.startswith("folder:"):
        folder_of(dataset)
        return
    if dataset.startswith("csv:"):
        csv_of(dataset)
        return
    name = dataset.partition("/")[0]
    package = _package()
    prepared = named_path(data_dir or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets") / name
    of_one_name = [package / "image_classification" / f"{name}.py", package / "datasets" / name]
    if name == "digits" or any(path.exists() for path in (prepared, *of_one_name)):
        return
    known = _known(package)
    if name not in known:
        close = difflib.get_close_matches(name, known | {"digits"}, n=3)
        raise InputError(
            f"dataset: received {dataset!r}, which tensorflow-datasets does not know, and which does not lie in "
            f"{str(prepared.parent)!r}; {perhaps_meant(dataset, close)}"
        )


def perhaps_meant(dataset: str, close: Sequence[str]) -> str:
    """Say what a person may have meant by a name that is none: what lies here, close names, or others."""
    if Path(dataset).exists():
        kind, prefix = ("folder", "folder:") if Path(dataset).is_dir() else ("file", "csv:")
        return f"there is a {kind} of that name here, which is {prefix}{dataset}"
    return (f"did you mean {' or '.join(close)}? " if close else "") + "Others: digits, folder:PATH, csv:FILE"


def _package() -> Path:
    """Return where tensorflow-datasets is installed."""
    return Path(str(distribution("tensorflow-datasets").locate_file("tensorflow_datasets")))


def _known(package: Path) -> set[str]:
    """Return all that may be the name of a set: the names of classes there, and of folders that hold one set."""
    names = {path.name for path in (package / "datasets").iterdir()}
    for path in package.rglob("*.py"):
        if not path.name.endswith("_test.py"):
            names |= {WORDS.sub("_", found.decode()).lower() for found in CLASS.findall(path.read_bytes())}
    return names

"""Code of a person's own by name, FILE.py:NAME or MODULE:NAME, and the files that it is made of: read, never run.

A name ends with a digest of these files, ``mine.py:Sophia@3f2a9c0d1e2f3a4b``, once they have been read. So two versions
of a file have two names wherever names are compared: in a run's parameters, and among the trials of a comparison.
"""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tasks.foundation.named_paths import named_path

OWN_NAME = r"[^:]+:[A-Za-z_][A-Za-z0-9_]*(@[0-9a-f]{16})?"
LIBRARIES = ("keras:",)  # what begins so names something that is not a person's own
DIGITS = 16  # of a SHA-256
# What lies beside a file under such a name is not imported.
OURS = ("flows", "tasks", "models", "study", "served_model")
MOST_FILES = 100  # what is made of more is a library


class OwnCodeError(ValueError):
    """Says what is wrong with code of a person's own, and in which file and line."""


class OwnName(NamedTuple):
    """A name, taken apart.

    Attributes:
        source: A path that ends with ``.py``, or the name of a module.
        name: What is defined there.
        digest: Of the files that it is made of; empty if it was not said.
    """

    source: str
    name: str
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.source}:{self.name}{'@' if self.digest else ''}{self.digest}"

    @property
    def is_file(self) -> bool:
        """Whether a file is named, and not a module."""
        return self.source.endswith(".py")


def is_own(text: str) -> bool:
    """Return whether a text has the form of a name of a person's own code."""
    return not text.startswith(LIBRARIES) and re.fullmatch(OWN_NAME, text) is not None


def taken_apart(text: str) -> OwnName:
    """Return the parts of a name for which `is_own` holds."""
    source, _, rest = text.rpartition(":")
    name, _, digest = rest.partition("@")
    return OwnName(source, name, digest)


def with_digest(text: str) -> str:
    """Return a name with an absolute path and the digest of the files as they are now; one that has both as it is.

    Raises:
        OwnCodeError: the file or the module is not there, or is no Python.
    """
    own = taken_apart(text)
    own = own._replace(source=str(named_path(own.source).absolute())) if own.is_file else own
    return str(own if own.digest else own._replace(digest=digest_of(read_source(own))))


def digest_of(files: Mapping[str, bytes]) -> str:
    """Return the first digits of a SHA-256: of a source's only file, else of what `sha256sum` writes of all files."""
    each = {path: hashlib.sha256(content).hexdigest() for path, content in sorted(files.items())}
    if len(each) == 1:
        return next(iter(each.values()))[:DIGITS]
    return hashlib.sha256("".join(f"{digest}  {path}\n" for path, digest in each.items()).encode()).hexdigest()[:DIGITS]


def read_source(own: OwnName) -> dict[str, bytes]:
    """Return the content of the file of a name and of those that it imports from beside it, by their relative paths.

    Of a FILE.py these are what it imports from its folder and the folders below; of a MODULE what it imports from its
    own package. They are found by reading: what a program imports under a name that it makes up is none of them.

    Raises:
        OwnCodeError: a file is not there, or is no Python.
    """
    root, waiting = _found(own)
    package = "" if own.is_file else own.source.partition(".")[0]
    files: dict[str, bytes] = {}
    while waiting:
        path = waiting.pop()
        relative = path.relative_to(root).as_posix()
        if relative in files:
            continue
        files[relative] = _content(path)
        if len(files) > MOST_FILES:
            raise OwnCodeError(f"{own.source} imports more than {MOST_FILES} files from beside it; move it to a folder")
        for name in _imported(_parsed(files[relative], path), relative):
            first = name.partition(".")[0]
            if first not in (*OURS, *sys.stdlib_module_names) and package in ("", first):
                waiting += _files_of(root, name)
    return files


def main_file(own: OwnName, folder: Path) -> Path:
    """Return the file that a name is defined in, given the folder below which its files lie."""
    return folder / Path(own.source).name if own.is_file else _files_of(folder, own.source)[-1]


def usual_learning_rate(own: OwnName) -> float | None:
    """Return what the constructor of a class has for ``learning_rate``; none unless its file says that as a number.

    Raises:
        OwnCodeError: the file is not there, or is no Python.
    """
    root, _ = _found(own)
    path = main_file(own, root)
    classes = [node for node in _parsed(_content(path), path).body if isinstance(node, ast.ClassDef)]
    made_by = [
        node for one in classes if one.name == own.name for node in one.body if isinstance(node, ast.FunctionDef)
    ]
    for function in made_by:
        if function.name == "__init__":
            value = _defaults(function.args).get("learning_rate")
            number = value.value if isinstance(value, ast.Constant) else None
            if isinstance(number, int | float) and not isinstance(number, bool) and number > 0:
                return float(number)
    return None


def _defaults(taken: ast.arguments) -> dict[str, ast.expr | None]:
    named = [argument.arg for argument in (*taken.posonlyargs, *taken.args)]
    by_place = dict(zip(reversed(named), reversed(taken.defaults), strict=False))
    return {**by_place, **{one.arg: value for one, value in zip(taken.kwonlyargs, taken.kw_defaults, strict=True)}}


def _found(own: OwnName) -> tuple[Path, list[Path]]:
    """Return the folder below which the files of a name lie, and the first of them, the one that is named last."""
    if own.is_file:
        path = Path(own.source)
        if not path.is_file():
            raise OwnCodeError(f"there is no file {own.source!r}")
        return path.parent, [path]
    parts = tuple(own.source.split("."))
    for entry in sys.path:
        root = Path(entry or ".").absolute()
        found = _files_of(root, own.source)
        if found and found[-1].relative_to(root).with_suffix("").parts[: len(parts)] == parts:
            return root, found
    raise OwnCodeError(
        f"there is no module {own.source!r} of Python source in {', '.join(entry or '.' for entry in sys.path)}; "
        "name a file, FILE.py:NAME, or put the module's folder on PYTHONPATH"
    )


def _files_of(root: Path, dotted: str) -> list[Path]:
    """Return the files below a folder that importing a name runs: its packages' from the outermost, its own last."""
    parts = dotted.split(".")
    ways = [root.joinpath(*parts[:length]) for length in range(1, len(parts) + 1)]
    files = [(way / "__init__.py", way.with_name(f"{way.name}.py")) for way in ways]
    return [path for both in files for path in both if path.is_file()]


def _imported(tree: ast.Module, relative: str) -> Iterator[str]:
    """Yield what a file imports, by its name from the folder: ``from . import b`` in ``a/c.py`` is ``a.b``."""
    here = relative.removesuffix(".py").split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}".removeprefix(".") for alias in node.names)


def _parsed(content: bytes, path: Path) -> ast.Module:
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError) as error:  # the latter of what has bytes of zero
        line = f", line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else f": {error}"
        raise OwnCodeError(f"{str(path)!r} is no Python{line}") from None


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OwnCodeError(f"{str(path)!r} cannot be read: {error.strerror}") from None

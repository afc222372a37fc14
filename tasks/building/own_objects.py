"""What a person's own code defines: loaded from the copy in a run's directory, and known to Keras where it is needed.

Its modules are in `sys.modules` only while they are loaded, so that two versions of a file never meet in a process.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import linecache
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import keras

from tasks.building.keras_settings import kept_settings
from tasks.building.own_code import SOURCES, Sources, names_in, write_copy
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import OwnName, main_file, taken_apart

_loading = threading.RLock()
_loaded: dict[OwnName, list[ModuleType]] = {}  # of a source the modules, the one that is named first


def load_own(name: str, directory: Path) -> Any:
    """Return what a person's own name stands for, from the copy below a run's directory.

    Raises:
        InputError: its file fails when it runs, or defines no such name.
    """
    own = taken_apart(name)
    module = _modules(own, directory)[0]
    if hasattr(module, own.name):
        return getattr(module, own.name)
    defined = [each for each in vars(module) if not each.startswith("_") and inspect.isclass(getattr(module, each))]
    defined += [each for each in vars(module) if inspect.isfunction(getattr(module, each))]
    close = difflib.get_close_matches(own.name, defined, n=1)
    suggestion = f" (did you mean {close[0]!r}?)" if close else ""
    raise InputError(f"{own.source} defines no {own.name!r}{suggestion}; it has: {', '.join(defined) or 'nothing'}")


@contextmanager
def own_objects(directory: Path) -> Iterator[None]:
    """Let Keras know, while the block runs, the classes of which a run's directory has the code.

    In this thread alone: Keras keeps what it knows for each.
    """
    known: dict[str, type] = {}
    for name in names_in(directory):
        for module in _modules(taken_apart(name), directory):
            classes = [
                one for one in vars(module).values() if inspect.isclass(one) and one.__module__ == module.__name__
            ]
            known |= {
                called: one for one in classes for called in (one.__name__, keras.saving.get_registered_name(one))
            }
    with keras.saving.custom_object_scope(known):
        yield


@contextmanager
def own_code_in(directory: Path, sources: Sources) -> Iterator[None]:
    """Write a person's own code into a directory, and let Keras know its classes while the block runs."""
    write_copy(sources, directory)
    with own_objects(directory):
        yield


def _modules(own: OwnName, directory: Path) -> list[ModuleType]:
    with _loading:
        one = own._replace(name="")  # whatever of it is asked for
        if one not in _loaded:
            _loaded[one] = _imported(own, directory / SOURCES / own.digest)
        return _loaded[one]


def _imported(own: OwnName, folder: Path) -> list[ModuleType]:
    """Run the files of a source, and return its modules. Raises InputError for what they raise."""
    path = main_file(own, folder)
    _require_free_names(own, folder, path)
    writes_bytecode, before = sys.dont_write_bytecode, set(sys.modules)
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        with kept_settings(own.source):
            main = _run_file(path, own) if own.is_file else importlib.import_module(own.source)
    except (InputError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise InputError(f"{_where(error, own, folder)}: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(folder))
        sys.dont_write_bytecode = writes_bytecode
        new = [name for name in sys.modules if name not in before]
        modules = [sys.modules.pop(name) for name in new if _lies_below(sys.modules[name], folder)]
    for file in folder.rglob("*.py"):  # for TensorFlow, which reads functions: this folder may be gone by then
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        linecache.cache[str(file)] = (file.stat().st_size, None, lines, str(file))
    return [main, *(module for module in modules if module is not main)]


def _run_file(path: Path, own: OwnName) -> ModuleType:
    # A name that no other module has: whatever a person's file is called, it is none of the pipeline's own.
    spec = spec_from_file_location(f"own_{path.stem}_{own.digest}", path)
    assert spec, "a path that ends with .py has one"  # noqa: S101
    assert spec.loader, "and a loader"  # noqa: S101
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _require_free_names(own: OwnName, folder: Path, main: Path) -> None:
    """Raise InputError if a file would not be imported, because another module of its name is there already."""
    for path in sorted(folder.iterdir()):
        if path.stem in sys.modules and not (own.is_file and path == main):
            other = getattr(sys.modules[path.stem], "__file__", None) or "Python itself"
            raise InputError(
                f"{own.source}: what it imports as {path.stem!r} from beside it has the name of a module that the "
                f"pipeline uses ({other}); give the file another name"
            )


def _lies_below(module: ModuleType, folder: Path) -> bool:
    return str(getattr(module, "__file__", None) or "").startswith(f"{folder}/")


def _where(error: BaseException, own: OwnName, folder: Path) -> str:
    """Return the file of a person's own, and the line in it, in which an error came up."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(f"{folder}/")]
    if not frames:
        return str(own)
    shown = str(Path(frames[-1].filename).relative_to(folder))
    root = f"{Path(own.source).parent}/" if own.is_file else ""
    return f"{root}{shown}, line {frames[-1].lineno}"

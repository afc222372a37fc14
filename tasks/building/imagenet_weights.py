"""The weights that Keras keeps for ImageNet: downloaded once, and used only if they are the file that Keras names."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import keras

# Keras' applications ask this for their files, and nothing else tells which, from where and with what digest.
from keras.src.utils import file_utils

from tasks.foundation.environment import KERAS_WEIGHTS_HOME
from tasks.foundation.errors import DownloadError, InputError
from tasks.foundation.named_paths import named_path


def with_imagenet_weights(build: Callable[[], keras.Model], *, download: bool) -> tuple[keras.Model, Path]:
    """Return what ``build`` builds with the weights of ImageNet, and the file that these were read from.

    They lie below ``models`` in the folder of KERAS_HOME, else in ``~/.keras``, as Keras has it.

    Raises:
        InputError: they are not there, or are other than Keras names, and may not be downloaded.
        DownloadError: the download failed.
    """
    with _files_asked_for(download=download) as files, warnings.catch_warnings():
        # MobileNets say so of any size but those that they were trained at; that is what is asked for here.
        warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square")
        network = build()
    return network, files[-1]


@contextmanager
def _files_asked_for(*, download: bool) -> Iterator[list[Path]]:
    """Yield the files that Keras' applications have asked for within, each whole and checked."""
    original, files = file_utils.get_file, list[Path]()
    folder = named_path(os.environ.get(KERAS_WEIGHTS_HOME) or "~/.keras")

    def get_file(name: str, origin: str, *, cache_subdir: str, file_hash: str, **how: Any) -> str:
        path = folder / cache_subdir / name
        if not download:
            _require_there(path, origin, file_hash)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with redirect_stdout(sys.stderr):  # what it tells of a download; standard output may be for one JSON object
                original(name, origin, cache_subdir=cache_subdir, file_hash=file_hash, cache_dir=str(folder), **how)
        except Exception as error:  # Keras raises that itself where a download fails
            raise DownloadError(
                f"the weights of ImageNet could not be downloaded ({type(error).__name__}: {error}); try again, or put "
                f"the file from {origin} at {str(path)!r}"
            ) from error
        files.append(path)
        return str(path)

    file_utils.get_file = get_file
    try:
        yield files
    finally:
        file_utils.get_file = original


def _require_there(path: Path, origin: str, file_hash: str) -> None:
    """Raise InputError if a file is not there, or not the one that is meant: Keras would download it."""
    is_there = path.is_file()
    if is_there and file_utils.validate_file(str(path), file_hash):
        return
    what = f"is not the file that Keras names (digest {file_hash})" if is_there else "is not there"
    raise InputError(
        f"weights: received imagenet, but {str(path)!r} {what}, and download is false; allow the download, or put the "
        f"file from {origin} there"
    )

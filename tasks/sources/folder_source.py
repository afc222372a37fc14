"""A folder of images as a `Source`: one subfolder of PNG or JPEG files a class."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.foundation.errors import InputError
from tasks.sources.checksums import contents_digest
from tasks.sources.images import BLOCK_EXAMPLES, Block, Source, resize

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")


def folder_identity(root: Path) -> str:
    """Return what tells a folder from another, or from itself at another time: its images, and how they are sorted."""
    try:
        return f"folder {contents_digest(root, _image_files(root))}"
    except OSError as error:  # a link to nowhere, for one
        raise _broken(Path(os.fsdecode(error.filename)), error) from error


def folder_source(root: Path) -> Source:
    """One subfolder a class; its name is the class. Broken images are named and refused."""
    files = _image_files(root)
    classes = tuple(sorted({path.parent.name for path in files}))
    if len(classes) < 2:
        raise InputError(
            f"dataset: folder {str(root)!r} has PNG or JPEG files in {len(classes)} subfolders; "
            "it needs at least 2, one subfolder of images for each class"
        )
    channels = max(_channels(path) for path in files)
    # Sorted files lie class by class; a fixed shuffle lets a limit on the examples reach every class.
    order = np.random.default_rng(0).permutation(len(files))

    def blocks(size: int) -> Iterator[Block]:
        for indices in np.array_split(order, -(-len(order) // BLOCK_EXAMPLES)):
            images = [resize(_pixels(files[index], channels), size).numpy() for index in indices]
            yield np.stack(images), np.array([classes.index(files[index].parent.name) for index in indices])

    return Source(
        location=str(root.resolve()),
        classes=classes,
        channels=channels,
        counts={"train": len(files)},
        blocks={"train": blocks},
        identity=partial(folder_identity, root),
    )


def _image_files(root: Path) -> list[Path]:
    """Return the images one level below ``root``, sorted. Raises InputError where it cannot be read."""
    try:
        subfolders = sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
        return [
            path
            for subfolder in subfolders
            for path in sorted(subfolder.iterdir())
            if path.suffix.lower() in IMAGE_SUFFIXES
        ]
    except OSError as error:
        raise InputError(
            f"dataset: cannot read folder {str(root)!r}: {error.strerror}: {error.filename}; make it readable"
        ) from error


def _channels(path: Path) -> int:
    """Return 1 for a grey image, 3 for any other. Reads the header only."""
    try:
        with Image.open(path) as image:
            return 1 if image.mode in ("1", "L", "I", "I;16") else 3
    except (OSError, Image.DecompressionBombError) as error:
        raise _broken(path, error) from error


def _pixels(path: Path, channels: int) -> np.ndarray:
    """Return the image as uint8 of shape (height, width, channels)."""
    try:
        with Image.open(path) as image:
            if image.mode in ("I", "I;16"):
                # 16-bit grey: Pillow's own conversion to 8 bits clips instead of scaling.
                return (
                    (np.asarray(image, dtype=np.uint32) >> 8).astype(np.uint8)[..., np.newaxis].repeat(channels, axis=2)
                )
            if image.mode == "P":
                # By way of RGBA: straight to RGB, Pillow warns of a palette that has transparent colours.
                array = np.asarray(image.convert("RGBA").convert("RGB"))
            else:
                array = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise _broken(path, error) from error
    return array.reshape(*array.shape[:2], channels)


def _broken(path: Path, error: Exception) -> InputError:
    return InputError(
        f"dataset: cannot read the image {os.fspath(path)!r}: {error}; every PNG and JPEG file in the folder "
        "must be whole: repair it or take it away"
    )

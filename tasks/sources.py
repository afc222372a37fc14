"""Where images come from: scikit-learn's digits, tensorflow-datasets, a folder. Each gives one `Source`."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import tensorflow as tf

from tasks.errors import InputError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")

# One split at a given image size, block by block, in an order that never changes: images, uint8 of shape
# (examples, size, size, channels), and labels, int64 of shape (examples,).
Block = tuple[np.ndarray, np.ndarray]
Blocks = Callable[[int], Iterator[Block]]
BLOCK_EXAMPLES = 1024


@dataclass(frozen=True)
class Source:
    """A labelled image set before preparation.

    Attributes:
        identity: What the images are, as a string that changes when they do.
        location: Where they come from, for a person.
        classes: The name of each label, by label.
        channels: 1 (grey) or 3 (colour).
        counts: Examples in each split; ``train`` is always there, ``test`` may be.
        blocks: The resized examples of each split, by its name.
    """

    identity: str
    location: str
    classes: tuple[str, ...]
    channels: int
    counts: dict[str, int]
    blocks: dict[str, Blocks]


def identify(dataset: str) -> str:
    """Return the identity of ``dataset`` without reading its images, so that a prepared set is found at once."""
    if dataset == "digits":
        return f"digits scikit-learn {version('scikit-learn')}"
    if dataset.startswith("folder:"):
        return _folder_identity(_folder_root(dataset))
    return f"{dataset} tensorflow-datasets {version('tensorflow-datasets')}"


def open_source(dataset: str, *, data_dir: str | None, download: bool) -> Source:
    """Return the source of ``dataset``, downloaded if it must be and may be. Raises InputError if it cannot."""
    if dataset == "digits":
        return _digits()
    if dataset.startswith("folder:"):
        return _folder(_folder_root(dataset))
    # Imported where it is needed: it takes seconds, and a prepared dataset is opened without it.
    from tasks.tfds_source import tensorflow_dataset

    return tensorflow_dataset(dataset, data_dir=data_dir, download=download)


def resize(images: tf.Tensor | np.ndarray, size: int) -> tf.Tensor:
    """Return uint8 images (..., height, width, channels) at ``size`` pixels a side: bilinear, antialiased."""
    resized = tf.image.resize(images, (size, size), method="bilinear", antialias=True)
    return tf.cast(tf.round(resized), tf.uint8)


def _digits() -> Source:
    """The 1,797 scans of 8x8 pixels, 17 grey levels, that lie inside scikit-learn (no download)."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.round(bunch.images[..., np.newaxis] * (255 / 16)).astype(np.uint8)
    return Source(
        identity=identify("digits"),
        location="scikit-learn's load_digits",
        classes=tuple(str(name) for name in bunch.target_names),
        channels=1,
        counts={"train": len(images)},
        blocks={"train": lambda size: iter([(resize(images, size).numpy(), bunch.target)])},
    )


def _folder_root(dataset: str) -> Path:
    root = Path(dataset.removeprefix("folder:")).expanduser()
    if not root.is_dir():
        raise InputError(f"dataset: received {dataset!r}, but there is no folder {str(root)!r}; give an existing one")
    return root


def _folder(root: Path) -> Source:
    """One subfolder a class; its name is the class. Broken images are named and refused."""
    files = _folder_files(root)
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
        identity=_folder_identity(root),
        location=str(root.resolve()),
        classes=classes,
        channels=channels,
        counts={"train": len(files)},
        blocks={"train": blocks},
    )


def _folder_files(root: Path) -> list[Path]:
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


def _folder_identity(root: Path) -> str:
    """Names, sizes and times of the files: cheap to read, and different as soon as an image is."""
    listing = []
    for path in _folder_files(root):
        try:
            stat = path.stat()
        except OSError as error:  # a link to nowhere, for one
            raise _broken(path, error) from error
        listing.append([str(path.relative_to(root)), stat.st_size, stat.st_mtime_ns])
    return f"folder {hashlib.sha256(json.dumps(listing).encode()).hexdigest()}"


def _channels(path: Path) -> int:
    """Return 1 for a grey image, 3 for any other. Reads the header only."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            return 1 if image.mode in ("1", "L", "I", "I;16") else 3
    except (OSError, Image.DecompressionBombError) as error:
        raise _broken(path, error) from error


def _pixels(path: Path, channels: int) -> np.ndarray:
    """Return the image as uint8 of shape (height, width, channels)."""
    from PIL import Image

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

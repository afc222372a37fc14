"""Which files below a folder are images, and of which class: found by their names, and by their first bytes."""

from __future__ import annotations

import os
import struct
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

# What is called so is meant to be an image, and is told of if it cannot be read; the last ones never can.
READ = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".webp")
NOT_READ = (".heic", ".heif", ".avif", ".jxl", ".jp2", ".svg", ".psd", ".dng", ".cr2", ".nef", ".arw")
IMAGE_SUFFIXES = READ + NOT_READ
# Folders that systems put beside a person's: macOS into archives, Synology and Windows into every folder.
OF_SYSTEMS = ("__macosx", "@eadir", "$recycle.bin", "system volume information")
UNSEEN = ("Cc", "Zl", "Zp")  # Unicode's control characters, and its ends of lines and paragraphs
BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes of what follows the first header of a BMP file


@dataclass
class Listing:
    """What lies in a folder whose subfolders are classes.

    Attributes:
        classes: The images of each class, by its name.
        beside: Images that lie beside the class folders, in no class.
        passed_over: What is no image: files, and whole folders that are hidden.
        deeper: How many images lie in folders inside of class folders.
    """

    classes: dict[str, list[Path]] = field(default_factory=dict)
    beside: list[Path] = field(default_factory=list)
    passed_over: list[Path] = field(default_factory=list)
    deeper: int = 0

    def images(self) -> list[Path]:
        """Return the images of all classes, sorted."""
        return sorted((path for paths in self.classes.values() for path in paths), key=lambda path: path.parts)


def list_classes(root: Path) -> Listing:
    """Return what lies below ``root``: each subfolder is a class, with all that lies in it, however deep.

    Raises:
        OSError: a folder cannot be read.
    """
    listing = Listing()
    list_files(root, listing)
    for path in subfolders(root):
        # macOS writes an accent as a letter of its own, others do not: the same name to a person.
        images = listing.classes.setdefault(unicodedata.normalize("NFC", displayed(path.name)), [])
        for each in _files(path, listing.passed_over):
            if not is_image(each):
                listing.passed_over.append(each)
                continue
            images.append(each)
            listing.deeper += len(each.parts) > len(path.parts) + 1
    return listing


def list_files(root: Path, listing: Listing) -> None:
    """Add what lies in ``root`` beside its subfolders to a listing. Raises OSError."""
    for path in sorted(root.iterdir()):
        if is_hidden(path) or _leads_back(path):
            listing.passed_over.append(path)
        elif not path.is_dir():
            (listing.beside if is_image(path) else listing.passed_over).append(path)


def subfolders(root: Path) -> list[Path]:
    """Return the folders in ``root`` that a person made, sorted. Raises OSError."""
    return sorted(path for path in root.iterdir() if path.is_dir() and not is_hidden(path) and not _leads_back(path))


def _leads_back(path: Path) -> bool:
    """Return whether a link leads to a folder that it lies in itself, where all would be found a second time."""
    return path.is_symlink() and path.parent.resolve().is_relative_to(path.resolve())


def is_hidden(path: Path) -> bool:
    """Return whether a file or folder is one that systems keep for themselves: ``.DS_Store``, ``._1.jpg``."""
    name = path.name
    return name.startswith(".") or name.lower() in OF_SYSTEMS


def is_image(path: Path) -> bool:
    """Return whether a file is called as images are, or begins as one. Raises OSError if it cannot be read."""
    if not path.is_file():  # a link to nowhere that is called so is told of; from a pipe nothing would ever come
        return path.suffix.lower() in IMAGE_SUFFIXES and not path.exists()
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return True
    with path.open("rb") as file:
        return begins_as_image(file.read(18))


def begins_as_image(start: bytes) -> bool:
    """Return whether the first 18 bytes of a file are those of an image that is read."""
    if start.startswith(b"BM") and len(start) == 18:
        return struct.unpack_from("<I", start, 14)[0] in BMP_HEADERS
    known = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*")
    return start.startswith(known) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")


def displayed(name: str) -> str:
    """Return a file's name as text that can be written anywhere, on one line.

    Bytes that are no UTF-8 are spelled out, and what moves a terminal's cursor or changes its colours.
    """
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(repr(each)[1:-1] if unicodedata.category(each) in UNSEEN else each for each in text)


def _files(folder: Path, passed_over: list[Path]) -> Iterator[Path]:
    """Yield the files in a folder and in those inside of it, sorted; what is hidden goes to ``passed_over``."""
    with os.scandir(folder) as entries:  # which knows what is a plain file, without a look at each
        others = {entry.name for entry in entries if not entry.is_file(follow_symlinks=False)}
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        other = path.name in others
        if is_hidden(path) or (other and path.is_symlink() and path.is_dir()):  # a link may lead back here
            passed_over.append(path)
        elif other and path.is_dir():
            yield from _files(path, passed_over)
        else:
            yield path

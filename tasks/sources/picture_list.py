"""Pictures that a model is to be asked about: files, folders of them, and CSVs that name them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tasks.foundation.errors import InputError
from tasks.foundation.named_paths import named_path
from tasks.sources.csv_cells import Columns, read_cells
from tasks.sources.image_listing import displayed, list_classes
from tasks.sources.listed import listed
from tasks.sources.natural_order import natural_key

COLUMNS = Columns("images", required=("file",), optional=("label",))


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file.

    Attributes:
        path: Where it lies, as it can be opened from the working directory.
        label: The name of its class, as its folder or a CSV says it; empty where none is known.
    """

    path: Path
    label: str = ""

    @property
    def name(self) -> str:
        """Its path as text; bytes that are no UTF-8 are spelled out."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")


@dataclass
class PictureList:
    """The pictures of all that was given, in that order.

    Attributes:
        pictures: All of them.
        remarks: What a person may not expect of how folders and CSVs were taken, a sentence each.
    """

    pictures: list[Picture] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def labelled(self) -> bool:
        """Whether any label is known."""
        return any(picture.label for picture in self.pictures)


def given_paths(given: Sequence[str]) -> list[Path]:
    """Return what was given as paths. Raises InputError, which names all that are not there."""
    if not given or "" in given:  # an empty text would be the working directory
        raise InputError("images: received nothing; give image files, folders of images, or CSVs that name images")
    paths = [named_path(each) for each in given]
    if missing := [displayed(str(path)) for path in paths if not path.exists()]:
        raise InputError(f"images: there is no file or folder {listed(map(repr, missing))}; give what is there")
    return paths


def list_pictures(paths: Sequence[Path], classes: Collection[str]) -> PictureList:
    """Return the pictures that were meant by files, folders and CSVs.

    A folder whose subfolders are classes of the model, all or some, is labelled by them; of any other folder all
    images are taken, however deep they lie. A CSV has the column ``file``, a path from the CSV, and may have ``label``.

    Args:
        paths: What was given, each of it there.
        classes: The names of the model's classes.

    Raises:
        InputError: a folder or a CSV cannot be read, or there is no image in any of them.
    """
    found = PictureList()
    for path in paths:
        if path.is_dir():
            _add_folder(path, classes, found)
        elif path.suffix.lower() == ".csv":
            _add_rows(path, found)
        else:
            found.pictures.append(Picture(path))
    if not found.pictures:
        raise InputError(f"images: there is no image in {listed(repr(displayed(str(path))) for path in paths)}")
    return found


def known_as(label: str) -> str:
    """Return a label as labels are compared: an accent may be a letter of its own, as macOS writes it, or not."""
    return unicodedata.normalize("NFC", displayed(label))


def _add_folder(folder: Path, classes: Collection[str], found: PictureList) -> None:
    try:
        listing = list_classes(folder)
    except OSError as error:
        raise InputError(
            f"images: cannot read folder {str(folder)!r}: {error.strerror}: {error.filename}; make it readable"
        ) from error
    shown = displayed(str(folder))
    subfolders = {name for name, paths in listing.classes.items() if paths}
    is_labelled = bool(subfolders & set(map(known_as, classes)))
    if is_labelled:
        found.remarks.append(f"The images in {shown} are labelled by the folders that they lie in.")
    elif subfolders:
        found.remarks.append(
            f"The images in {shown} are taken without labels, for its folders ({listed(sorted(subfolders))}) are none "
            "of the model's classes."
        )
    if listing.passed_over:
        names = listed(displayed(str(path.relative_to(folder))) for path in listing.passed_over)
        count = len(listing.passed_over)
        found.remarks.append(f"Passed over, because they are no images, or lead to folders ({count}): {names}.")
    pictures = [Picture(path) for path in listing.beside]
    for name, paths in listing.classes.items():
        pictures += [Picture(path, name if is_labelled else "") for path in paths]
    found.pictures += sorted(pictures, key=lambda picture: natural_key(str(picture.path)))


def _add_rows(table: Path, found: PictureList) -> None:
    pictures = []
    for line, cells in read_cells(table, COLUMNS):
        if not cells["file"]:
            raise InputError(f"images: {str(table)!r}: line {line} names no file; name one, or take the line away")
        path = table.parent / cells["file"]
        if "\\" in cells["file"] and not path.exists():
            path = table.parent / cells["file"].replace("\\", "/")  # as Windows has it
        pictures.append(Picture(path, known_as(cells.get("label", ""))))
    without = sum(not picture.label for picture in pictures)
    if 0 < without < len(pictures):  # else it is a CSV without labels
        what = "1 picture" if without == 1 else f"{without:,} pictures"
        found.remarks.append(f"Without a label in {displayed(str(table))}, and so not judged: {what}.")
    found.pictures += pictures

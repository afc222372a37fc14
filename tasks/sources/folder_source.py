"""A folder of images as a `Source`: one subfolder a class, or the folders of the splits above these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from study.number_formats import counted
from tasks.foundation.errors import InputError
from tasks.foundation.log import task_log
from tasks.sources.checksums import SEPARATOR, below, contents_digest
from tasks.sources.chosen_classes import chosen_classes
from tasks.sources.image_listing import Listing, displayed, list_classes, list_files, subfolders
from tasks.sources.images import Reading, Source
from tasks.sources.labelled_files import LabelledFile, LabelledFiles
from tasks.sources.listed import listed
from tasks.sources.natural_order import natural_key

# How people call the folders of splits, in small letters.
SPLIT_NAMES = {
    "train": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
}


def folder_identity(root: Path) -> str:
    """Return what tells a folder from another, or from itself at another time: its images, and how they are sorted."""
    listings = _listings(root).values()
    # A link to nowhere has no content: it is told of when it is to be read.
    files = [path for listing in listings for path in listing.images() if path.exists()]
    try:
        return f"folder 2 {contents_digest(root, files)}"
    except OSError as error:
        raise _unreadable(root, error) from error


def folder_source(root: Path, reading: Reading) -> Source:
    """Return the images below ``root``; the name of the folder in which they lie is their class.

    Raises:
        InputError: it does not hold what can be learnt from, in words that say what to do.
    """
    listings = _listings(root)
    _require_classes(root, listings, every=reading.classes is None)
    classes = chosen_classes(sorted(listings["train"].classes, key=natural_key), reading.classes)
    _require_images(listings, classes)
    passed_over = [_name(root, path) for listing in listings.values() for path in listing.passed_over]
    beside = [_name(root, path) for listing in listings.values() for path in listing.beside]
    _tell(root, listings, classes, passed_over, beside)
    splits = {
        split: [
            LabelledFile(path, _name(root, path), label)
            for label, name in enumerate(classes)
            for path in listing.classes.get(name, [])
        ]
        for split, listing in listings.items()
    }
    files = LabelledFiles(str(root), splits, classes, reading, [*passed_over, *beside])
    return files.source(root, partial(folder_identity, root))


def _listings(root: Path) -> dict[str, Listing]:
    """Return what lies in each split: ``train`` alone, where the folder has no splits. Raises InputError."""
    try:
        folders = _split_folders(root)
        listings = {split: list_classes(folder) for split, folder in folders.items()}
        if root not in folders.values():
            list_files(root, listings["train"])  # what lies beside the folders of the splits
    except OSError as error:
        raise _unreadable(root, error) from error
    return listings


def _split_folders(root: Path) -> dict[str, Path]:
    """Return the folder of each split; the folder itself is that of ``train`` if it has none of these.

    Raises:
        InputError: it cannot be told whether its subfolders are splits or classes, or there is nothing to train on.
        OSError: it cannot be read.
    """
    folders = subfolders(root)
    named = [(SPLIT_NAMES[path.name.lower()], path) for path in folders if path.name.lower() in SPLIT_NAMES]
    splits = dict(named)
    others = [displayed(path.name) for path in folders if path.name.lower() not in SPLIT_NAMES]
    names = ", ".join(displayed(path.name) for _, path in named)
    if not named or (len(named) == 1 and others):  # a class may well be called "train"
        return {"train": root}
    if others:
        raise InputError(
            f"dataset: folder {str(root)!r} has the splits {names} and, beside them, {listed(others)}, so that it "
            "cannot be told whether its subfolders are splits or classes; take the others away, or call classes "
            "otherwise"
        )
    if len(splits) < len(named):
        raise InputError(f"dataset: folder {str(root)!r} has {names}, two of which are one split; join them")
    if "train" not in splits:
        raise InputError(
            f"dataset: folder {str(root)!r} has {names}, but no train; put the images to train on there, one subfolder "
            "for each class"
        )
    return splits


def _require_classes(root: Path, listings: Mapping[str, Listing], *, every: bool) -> None:
    """Raise InputError for fewer than two classes, or for some, if every one is used, that are not trained on."""
    known = listings["train"].classes
    if len(known) < 2:
        inside = "; give the folder that holds the folders of the classes" if listings["train"].deeper else ""
        raise InputError(
            f"dataset: folder {str(root)!r} has images in {counted(len(known), 'subfolder')}; "
            f"it needs at least 2, one subfolder of images for each class{inside}"
        )
    for split, listing in listings.items():
        if every and (strange := sorted(listing.classes.keys() - known.keys(), key=natural_key)):
            raise InputError(
                f"dataset: folder {str(root)!r} has classes in its {split} split that its train split has not: "
                f"{listed(strange)}; call a class the same in all splits, and give it images to train on"
            )


def _require_images(listings: Mapping[str, Listing], classes: Sequence[str]) -> None:
    """Raise InputError where the folder of a class that is used holds no image."""
    empty = [
        f"{name!r}{f' of {split}' if len(listings) > 1 else ''}"
        for split, listing in listings.items()
        for name in classes
        if name in listing.classes and not listing.classes[name]
    ]
    if empty:
        raise InputError(
            f"dataset: there is no image in the folder of class {listed(empty)}; put some in, or take the folder away"
        )


def _tell(
    root: Path,
    listings: Mapping[str, Listing],
    classes: Sequence[str],
    passed_over: Sequence[str],
    beside: Sequence[str],
) -> None:
    """Say what in a folder is not used, or not as a person may think."""
    if passed_over:
        task_log().info(
            "Passed over, because they are no images, or lead to folders (%d): %s.",
            len(passed_over),
            listed(passed_over),
        )
    if beside:
        task_log().warning(
            "Not used, because they lie in %s beside the folders of the classes and belong to none (%d): %s.",
            *(root, len(beside), listed(beside)),
        )
    if deeper := sum(listing.deeper for listing in listings.values()):
        task_log().info("Images that lie in folders inside of class folders belong to these classes (%d).", deeper)
    for split, listing in listings.items():
        if missing := [name for name in classes if name not in listing.classes]:
            task_log().warning("The %s split has no image of class %s.", split, listed(map(repr, missing)))


def _name(root: Path, path: Path) -> str:
    return displayed(below(root, path).replace(SEPARATOR, "/"))


def _unreadable(root: Path, error: OSError) -> InputError:
    return InputError(
        f"dataset: cannot read folder {str(root)!r}: {error.strerror}: {error.filename}; make it readable"
    )

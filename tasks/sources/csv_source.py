"""The images that a CSV names as a `Source`: ``file,label`` and, if wanted, ``split`` and ``group``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from study.number_formats import counted
from tasks.foundation.errors import InputError
from tasks.foundation.log import task_log
from tasks.sources.checksums import contents_digest
from tasks.sources.chosen_classes import chosen_classes
from tasks.sources.csv_rows import Row, read_rows, unused_columns
from tasks.sources.image_listing import displayed
from tasks.sources.images import Reading, Source
from tasks.sources.labelled_files import LabelledFile, LabelledFiles
from tasks.sources.listed import listed
from tasks.sources.natural_order import natural_key


def csv_identity(table: Path) -> str:
    """Return what tells a CSV from another, or from itself at another time: its content, and that of its images."""
    files = sorted(table.parent / row.file for row in read_rows(table))
    try:
        return f"csv {contents_digest(table.parent, [table, *files])}"
    except OSError as error:
        raise InputError(
            f"dataset: cannot read {str(error.filename)!r}: {error.strerror}; make it readable, or take its line out "
            f"of {str(table)!r}"
        ) from error


def csv_source(table: Path, reading: Reading) -> Source:
    """Return the images that a CSV names, with the labels that it gives them.

    Raises:
        InputError: it does not hold what can be learnt from, in words that say what to do.
    """
    splits = _by_split(table, read_rows(table))
    _tell_of_unused_columns(table)
    known = sorted({row.label for row in splits["train"]}, key=natural_key)
    for split, found in splits.items():
        if not reading.classes and (strange := sorted({row.label for row in found} - set(known), key=natural_key)):
            raise InputError(
                f"dataset: {str(table)!r} has labels in its {split} split that its train split has not: "
                f"{listed(strange)}; give such classes images to train on"
            )
    if len(known) < 2:
        raise InputError(
            f"dataset: {str(table)!r} has {counted(len(known), 'label')} ({listed(known)}); there have to be at least 2"
        )
    classes = chosen_classes(known, reading.classes)
    labels = {name: label for label, name in enumerate(classes)}
    files = {
        split: [
            LabelledFile(table.parent / row.file, displayed(row.file), labels[row.label], row.group)
            for row in sorted(found, key=lambda row: (natural_key(row.label), row.file.split("/")))  # as in a folder
            if row.label in labels
        ]
        for split, found in splits.items()
    }
    labelled = LabelledFiles(str(table), files, classes, reading)
    return labelled.source(table, partial(csv_identity, table))


def _tell_of_unused_columns(table: Path) -> None:
    if others := unused_columns(table):
        task_log().info("Of %s the columns %s are not used.", table, listed(map(displayed, others)))


def _by_split(table: Path, rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows of each split; all are there to train on where the CSV has no splits."""
    splits: dict[str, list[Row]] = {}
    for row in rows:
        splits.setdefault(row.split or "train", []).append(row)
    if "train" not in splits:
        raise InputError(f"dataset: {str(table)!r} has no line with the split train; there must be some to train on")
    return splits

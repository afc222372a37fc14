"""The rows of a CSV that names images and their classes: read, and refused in words, all faults of a kind at once."""

from __future__ import annotations

import csv
import os
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.foundation.errors import InputError
from tasks.sources.csv_cells import Columns, read_cells
from tasks.sources.image_listing import displayed
from tasks.sources.listed import listed

COLUMNS = Columns("dataset", required=("file", "label"), optional=("split", "group"))
SPLIT_WORDS = {"train": "train", "validation": "validation", "val": "validation", "valid": "validation", "test": "test"}


@dataclass(frozen=True)
class Row:
    """What a line says of an image.

    Attributes:
        line: The line of the file, from 1.
        file: Where the image lies, below the folder of the CSV, with slashes.
        label: Its class.
        split: ``train``, ``validation`` or ``test``; empty where the CSV has no splits.
        group: Empty where it belongs to none.
    """

    line: int
    file: str
    label: str
    split: str
    group: str


def read_rows(table: Path) -> list[Row]:
    """Return the rows of a CSV in its order, each checked.

    Raises:
        InputError: it is none, or some of its rows cannot be used: the faults of all of them, by their lines.
    """
    rows = []
    faults: dict[str, list[str]] = {}
    for line, cells in read_cells(table, COLUMNS):
        row = Row(
            *(line, _place(table, cells["file"]), displayed(cells["label"])),
            *(cells.get("split", "").lower(), cells.get("group", "")),
        )
        for fault in _faults(row, table.parent, with_splits="split" in cells):
            faults.setdefault(fault, []).append(f"{line} ({cells['file'] or 'no file'})")
        rows.append(Row(line, row.file, row.label, SPLIT_WORDS.get(row.split, ""), row.group))
    if not rows:
        raise InputError(f"dataset: {str(table)!r} has no line below its header; give a line for each image")
    told = [f"{fault}: line {listed(lines)}" for fault, lines in faults.items()]
    told += [*_named_twice(rows), *_groups_in_two_splits(rows)]
    if told:
        raise InputError("\n".join(f"dataset: {str(table)!r}: {each}" for each in told))
    return rows


def unused_columns(table: Path) -> list[str]:
    """Return the names of the columns of a CSV that was read which say nothing here."""
    with table.open(encoding="utf-8-sig", newline="") as file:
        header = [name.strip() for name in next(csv.reader(file), [])]
    return [name for name in header if name.lower() not in COLUMNS.known]


def _place(table: Path, file: str) -> str:
    """Return where a file lies below the folder of the CSV: as on every system, with slashes."""
    if "\\" in file and not (table.parent / file).exists():
        file = file.replace("\\", "/")  # as Windows has it
    if Path(file).is_absolute():
        file = os.path.relpath(file, table.parent.absolute())
    return posixpath.normpath(file) if file else ""


def _faults(row: Row, folder: Path, *, with_splits: bool) -> Iterator[str]:
    """Yield what is wrong with a row, in words that are the same for all rows with this fault."""
    if not row.file:
        yield "no file is named; name one, or take the line away"
    elif row.file.startswith("../") or row.file == ".." or row.file[1:2] == ":":
        yield "the file lies outside of the CSV's folder; put the CSV above all of its files"
    elif not (folder / row.file).is_file():
        yield "there is no such file; paths are relative to the CSV: put it there, or take the line away"
    if not row.label:
        yield "the label is missing; give one, or take the line away"
    if with_splits and row.split not in SPLIT_WORDS:
        yield "the split is none of train, validation (also val) and test; give one of these in each line, or no column"


def _named_twice(rows: Sequence[Row]) -> Iterator[str]:
    lines: dict[str, list[int]] = {}
    for row in rows:
        if row.file:
            lines.setdefault(row.file, []).append(row.line)
    twice = [f"{file} (lines {', '.join(map(str, found))})" for file, found in lines.items() if len(found) > 1]
    if twice:
        yield f"a file is named more than once; leave one line for each: {listed(twice)}"


def _groups_in_two_splits(rows: Sequence[Row]) -> Iterator[str]:
    splits: dict[str, set[str]] = {}
    for row in rows:
        if row.group and row.split:
            splits.setdefault(row.group, set()).add(row.split)
    torn = [f"{group} ({', '.join(sorted(found))})" for group, found in splits.items() if len(found) > 1]
    if torn:
        yield f"a group lies in more than one split; give all of its images the same: {listed(torn)}"

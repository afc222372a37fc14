"""The cells of a CSV by its lines and columns: read, and refused in words where it is none, or lacks a column."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from study.number_formats import counted
from tasks.foundation.errors import InputError
from tasks.sources.listed import listed

OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Columns:
    """What a CSV is read for.

    Attributes:
        parameter: What was given as this CSV, by which a person is told of its faults.
        required: Columns that it must have; ``optional``, that it may have.
    """

    parameter: str
    required: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def known(self) -> tuple[str, ...]:
        """All columns that say something."""
        return *self.required, *self.optional

    @property
    def wanted(self) -> str:
        """What the first line has to be, in words."""
        return f"its first line has to be {','.join(self.required)} and, if wanted, {' and '.join(self.optional)}"


def read_cells(table: Path, columns: Columns) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each line's number, from 1, and its cells by the name of their column, in small letters.

    Raises:
        InputError: it cannot be read, is no CSV, or lacks a column.
    """
    given = f"{columns.parameter}: {str(table)!r}"
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            names = _names(given, next(reader, []), columns)
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue  # an empty line
                if len(cells) != len(names):
                    raise InputError(
                        f"{given}: line {reader.line_num} has {counted(len(cells), 'cell')}, but the header has "
                        f"{len(names)}; put a cell that has a comma in it into quotes"
                    )
                yield reader.line_num, {name: cell.strip() for name, cell in zip(names, cells, strict=True)}
    except UnicodeDecodeError as error:
        raise InputError(f"{given} is not written in UTF-8 ({error.reason}); save it so") from error
    except csv.Error as error:
        raise InputError(f"{given} is no CSV ({error}); save it with commas and double quotes") from error
    except OSError as error:
        raise InputError(
            f"{columns.parameter}: cannot read {str(table)!r}: {error.strerror}; make it readable"
        ) from error


def _names(given: str, header: Sequence[str], columns: Columns) -> list[str]:
    """Return the names of the columns. Raises InputError where some are missing, or are there twice."""
    names = [name.strip().lower() for name in header]
    if missing := [name for name in columns.required if name not in names]:
        delimiter = next((mark for mark in OTHER_DELIMITERS if len(names) == 1 and mark in names[0]), None)
        if delimiter:
            raise InputError(
                f"{given} is separated by {OTHER_DELIMITERS[delimiter]}; save it with commas: {columns.wanted}"
            )
        found = f"it has {listed(header)}" if any(names) else "it is empty"
        raise InputError(f"{given} has no column {' and none '.join(missing)} ({found}); {columns.wanted}")
    if twice := [name for name in columns.known if names.count(name) > 1]:
        raise InputError(f"{given} has two columns {twice[0]}; {columns.wanted}")
    return names

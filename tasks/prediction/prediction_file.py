"""Predictions as a file that is whole or not there: CSV, or strict JSON a line."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path
from typing import Any, TextIO

from tasks.foundation.durable_files import storing
from tasks.foundation.errors import InputError
from tasks.foundation.writable import require_writable_file
from tasks.prediction.predictions import NAMED, Prediction

COLUMNS = (
    *("file", "class", "probability"),
    *(f"{column}_{place}" for place in range(2, NAMED + 1) for column in ("class", "probability")),
    *("label", "error"),
)
Write = Callable[[Prediction], None]


def require_writable(path: Path, given: Iterable[Path]) -> None:
    """Raise InputError for a file that predictions cannot be meant to be written to.

    Args:
        path: Its name says what it is to hold, and its folder is there.
        given: What is asked about, of which it is none.
    """
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"output: received {str(path)!r}; allowed: a file that ends with {' or '.join(FORMATS)}")
    require_writable_file("output", path)
    if path.resolve() in {each.resolve() for each in given}:
        raise InputError(f"output: {str(path)!r} is what is to be predicted; give another file")


@contextmanager
def prediction_file(path: Path) -> Iterator[Write]:
    """Yield what writes predictions, one after the other, into a file that takes its name once the block has ended.

    Raises:
        StorageError: it cannot be written; what was there before is as it was.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    with storing(path):
        try:
            with unfinished.open("w", encoding="utf-8", newline="") as file:
                yield FORMATS[path.suffix.lower()](file)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)


@contextmanager
def json_object(file: TextIO, about: Mapping[str, Any]) -> Iterator[Write]:
    """Yield what writes predictions, one after the other, into one JSON object, which ends with ``about``.

    Args:
        file: Takes the object, in ASCII alone.
        about: What else the object holds; it may be filled in until the block ends, and has something in it by then.
    """
    separator = chain(['{"predictions": ['], repeat(", "))

    def write(prediction: Prediction) -> None:
        file.write(next(separator) + json.dumps(as_json(prediction), allow_nan=False))

    yield write
    file.write(f"], {json.dumps(about, allow_nan=False)[1:]}\n")


def as_json(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as values that are strict JSON: a number that is none is null."""
    said: dict[str, Any] = {"file": prediction.picture.name}
    if prediction.picture.label:
        said["label"] = prediction.picture.label
    if prediction.reason:
        return {**said, "error": prediction.reason}
    first, *others = ({"class": name, "probability": _number(value)} for name, value in prediction.best)
    return {**said, **first, "next": others}


def _csv(file: TextIO) -> Write:
    # Texts in quotes, whatever they hold: csv leaves a carriage return, which others take for the end of a line, bare.
    writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(COLUMNS)

    def write(prediction: Prediction) -> None:
        guessed = [cell for guess in prediction.best for cell in guess]
        guessed += [""] * (2 * NAMED - len(guessed))
        writer.writerow([prediction.picture.name, *guessed, prediction.picture.label, prediction.reason])

    return write


def _json_lines(file: TextIO) -> Write:
    return lambda prediction: print(json.dumps(as_json(prediction), allow_nan=False), file=file)


FORMATS: dict[str, Callable[[TextIO], Write]] = {".csv": _csv, ".jsonl": _json_lines}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None

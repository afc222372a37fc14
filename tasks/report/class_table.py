"""How well each class is known (precision, recall, F1, support), and which is taken for which, as tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from models.measures import ClassMeasures, confusion_counts

CONFUSION_FILE = "confusion_matrix.csv"
CLASS_FILES = {"validation": "classes_validation.csv", "test": "classes_test.csv"}


class ClassRow(BaseModel):
    """How well a class is told from the others; `models.measures.ClassMeasures` says what its values are."""

    model_config = ConfigDict(frozen=True)

    name: str
    precision: float
    recall: float
    f1: float
    support: int


def class_rows(measures: ClassMeasures, classes: Sequence[str]) -> tuple[ClassRow, ...]:
    """Return a row for each class, by label."""
    values = zip(measures.precision, measures.recall, measures.f1, measures.support, strict=True)
    return tuple(
        ClassRow(name=name, precision=precision, recall=recall, f1=f1, support=support)
        for name, (precision, recall, f1, support) in zip(classes, values, strict=True)
    )


def class_csv(rows: Iterable[ClassRow]) -> str:
    """Return the rows as CSV, under the names of their values."""
    lines = [[getattr(row, name) for name in ClassRow.model_fields] for row in rows]
    return _csv(["class", *list(ClassRow.model_fields)[1:]], lines)


def confusion_csv(labels: np.ndarray, predicted: np.ndarray, classes: Sequence[str]) -> str:
    """Return how often each class (a line) was taken for which (a column), whatever their number, as CSV."""
    counts = confusion_counts(labels, predicted, len(classes)).tolist()
    return _csv(["true class", *classes], [[name, *row] for name, row in zip(classes, counts, strict=True)])


def _csv(header: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *lines])
    return text.getvalue()

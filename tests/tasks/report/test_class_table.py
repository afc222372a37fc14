from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from sklearn.metrics import classification_report

from models.measures import class_measures
from tasks.report.class_table import class_csv, class_rows, confusion_csv

CLASSES = ("a cat", "dog, wet", "猫")
LABELS = np.array([0, 0, 0, 1, 1, 0], np.int32)
PREDICTED = np.array([0, 0, 1, 1, 0, 0], np.int32)


def test_a_row_says_how_well_a_class_is_known() -> None:
    rows = class_rows(class_measures(LABELS, PREDICTED, 3), CLASSES)
    expected = classification_report(
        LABELS, PREDICTED, labels=range(3), target_names=CLASSES, output_dict=True, zero_division=0
    )
    for row in rows:
        theirs = expected[row.name]
        assert (row.precision, row.recall, row.f1) == pytest.approx(
            (theirs["precision"], theirs["recall"], theirs["f1-score"])
        )
        assert row.support == theirs["support"]
    assert [row.name for row in rows] == [*CLASSES]


def test_rows_read_back_from_csv() -> None:
    read = list(csv.DictReader(io.StringIO(class_csv(class_rows(class_measures(LABELS, PREDICTED, 3), CLASSES)))))
    assert [list(row) for row in read] == [["class", "precision", "recall", "f1", "support"]] * 3
    assert [row["class"] for row in read] == [*CLASSES]
    assert read[0] == {"class": "a cat", "precision": "0.75", "recall": "0.75", "f1": "0.75", "support": "4"}
    assert float(read[2]["recall"]) == 0.0


def test_the_confusion_matrix_has_its_numbers_whatever_the_number_of_classes() -> None:
    read = list(csv.reader(io.StringIO(confusion_csv(LABELS, PREDICTED, CLASSES))))
    assert read == [
        ["true class", *CLASSES],
        ["a cat", "3", "1", "0"],
        ["dog, wet", "1", "1", "0"],
        ["猫", "0", "0", "0"],
    ]
    many = [f"class {number}" for number in range(300)]
    lines = confusion_csv(np.arange(300), np.arange(300)[::-1], many).splitlines()
    assert len(lines) == 301
    assert lines[1].split(",")[-1] == "1"

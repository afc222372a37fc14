"""Predictions counted, and as a person reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from served_model.classifier import Predictions
from tasks.prediction.prediction_lines import WIDEST, summary_lines, table_lines
from tasks.prediction.predictions import PredictedBlock
from tasks.prediction.tally import Tally
from tasks.sources.picture_list import Picture

CLASSES = ("cat", "dog", "e\N{COMBINING ACUTE ACCENT}te\N{COMBINING ACUTE ACCENT}")  # as macOS writes it


def block(*labels: str, broken: int = 0) -> PredictedBlock:
    """Pictures with these labels, each of which is taken for a cat, and some that cannot be read."""
    pictures = [Picture(Path(f"{number}.png"), label) for number, label in enumerate(labels)]
    reasons = [""] * len(labels) + ["it is empty"] * broken
    pictures += [Picture(Path(f"broken{number}.png"), "cat") for number in range(broken)]
    said = Predictions(
        np.zeros(len(labels), np.int32), np.tile(np.array([0.75, 0.25, 0], np.float32), (len(labels), 1))
    )
    return PredictedBlock(pictures, reasons, said)


def tallied(*blocks: PredictedBlock) -> Tally:
    tally = Tally(CLASSES)
    for each in blocks:
        tally.add(each)
    return tally


def test_all_is_counted_over_blocks() -> None:
    tally = tallied(block("cat", "dog", broken=1), block("", "ant", "cat"), block("été", broken=1))
    assert [picture.label for picture in tally.judged] == ["cat", "dog", "cat", "été"]
    assert tally.labels.tolist() == [0, 1, 0, 2]
    assert tally.predicted.tolist() == [0, 0, 0, 0]
    assert tally.probabilities.shape == (4, 3)
    assert tally.summary() == {
        "images": 8,
        "unreadable": 2,
        "counts": {"cat": 6, "dog": 0, CLASSES[2]: 0},
        "labelled": 4,
        "accuracy": 0.5,
        "balanced_accuracy": pytest.approx(1 / 3),
        "unknown_labels": {"ant": 1},
    }


def test_without_labels_there_is_no_accuracy_and_nothing_is_kept() -> None:
    tally = tallied(block("", ""), block(""))
    assert tally.measures() == {}
    assert not tally._probabilities


def test_the_table_names_the_class_the_next_two_and_what_is_wrong() -> None:
    each = [*block("cat", "dog", broken=1).predictions(CLASSES)]
    assert table_lines(each) == [
        "file         class  probability  next",
        f"0.png        cat         0.7500  dog 0.2500, {CLASSES[2]} 0.0000",
        f"1.png        cat         0.7500  dog 0.2500, {CLASSES[2]} 0.0000  (labelled dog)",
        "broken0.png  cannot be read: it is empty",
    ]


def test_a_name_cannot_move_the_cursor_nor_make_the_table_endlessly_wide() -> None:
    long = "x" * 200
    said = Predictions(np.zeros(2, np.int32), np.array([[1, 0, 0]] * 2, np.float32))
    pictures = [Picture(Path("two\n\x1b[31mlines.png")), Picture(Path(long))]
    _, escaped, wide = table_lines([*PredictedBlock(pictures, ["", ""], said).predictions(CLASSES)])
    assert escaped.startswith(r"two\n\x1b[31mlines.png".ljust(WIDEST) + "  cat")
    assert wide.startswith(f"{long}  cat")


def test_what_all_come_to_is_told() -> None:
    tally = tallied(block("cat", "dog", "ant", broken=2))
    assert summary_lines(tally, left=3) == [
        "... and 3 more",
        "",
        "Of 3 pictures: cat: 3.",
        "",
        "Cannot be read (2): broken0.png (it is empty), broken1.png (it is empty).",
        "",
        "Labels that are no class of the model, so that such pictures are not judged: ant: 1.",
        "",
        "Of 2 labelled pictures: accuracy 0.5000, balanced accuracy 0.5000.",
        "Where the model has trained on some of these pictures, that is too good.",
    ]
    assert summary_lines(tallied(block("")), left=0) == []

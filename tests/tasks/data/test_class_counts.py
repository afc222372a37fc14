from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.data.class_counts import class_counts, imbalance, tell_of_imbalance
from tasks.data.prepared import PreparedDataset
from tests.support.log import own_messages


def prepared_with(directory: Path, counts: dict[str, int]) -> PreparedDataset:
    """A prepared set with so many images of each class, of which the first half trains and the rest tests."""
    labels = np.repeat(np.arange(len(counts)), list(counts.values()))
    half = len(labels) // 2
    indices = {"train": np.arange(half), "validation": np.arange(0), "test": np.arange(half, len(labels))}
    np.save(directory / "labels.npy", labels)
    for split, positions in indices.items():
        np.save(directory / f"{split}.npy", positions)
    return PreparedDataset(
        directory=directory,
        name="made up",
        location="nowhere",
        digest="0" * 64,
        files={},
        image_shape=(16, 16, 1),
        classes=tuple(counts),
        examples={"train": half, "validation": 0, "test": len(labels) - half},
        pixel_mean=(0.0,),
        pixel_deviation=(1.0,),
    )


def test_examples_of_a_class_are_counted_in_the_splits_that_are_named(tmp_path: Path) -> None:
    prepared = prepared_with(tmp_path, {"cat": 6, "dog": 4, "hen": 0})
    assert class_counts(prepared).tolist() == [6, 4, 0]
    assert class_counts(prepared, "train").tolist() == [5, 0, 0]
    assert class_counts(prepared, "validation", "test").tolist() == [1, 4, 0]


def test_a_class_that_is_more_than_five_times_as_large_is_told_of(tmp_path: Path) -> None:
    prepared = prepared_with(tmp_path, {"cat": 51, "dog": 10, "hen": 0})
    assert imbalance(prepared) == (
        "Class 'cat' has 51 images, class 'dog' 10: a model that always says 'cat' has an accuracy of 0.84. "
        "Let metric be balanced_accuracy or macro_f1 if all classes matter alike."
    )


def test_it_is_told_where_accuracy_is_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    prepared = prepared_with(tmp_path, {"cat": 51, "dog": 10})
    for metric in ("balanced_accuracy", "macro_f1", "accuracy"):
        tell_of_imbalance(prepared, metric)
    assert own_messages(caplog) == [imbalance(prepared)]


@pytest.mark.parametrize("cats", [10, 50])
def test_one_that_is_five_times_as_large_is_not(tmp_path: Path, cats: int) -> None:
    assert imbalance(prepared_with(tmp_path, {"cat": cats, "dog": 10, "hen": 0})) == ""

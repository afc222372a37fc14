"""Some classes of the digits alone, whose labels are then their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.dataset import prepare_dataset
from tasks.foundation.errors import InputError
from tasks.sources.catalogue import open_source
from tasks.sources.chosen_classes import chosen_classes, only_classes
from tasks.sources.images import Reading, Source


def test_some_digits_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    how = {"image_size": 16, "validation_fraction": 0.1}
    every, some = prepare_dataset.fn("digits", **how), prepare_dataset.fn("digits", **how, classes=("3", "8"))
    assert some.classes == ("3", "8")
    images, labels = (np.load(every.directory / f"{name}.npy") for name in ("images", "labels"))
    chosen = (labels == 3) | (labels == 8)
    np.testing.assert_array_equal(np.load(some.directory / "images.npy"), images[chosen])
    np.testing.assert_array_equal(np.load(some.directory / "labels.npy"), (labels == 8)[chosen])
    assert sum(some.examples.values()) == chosen.sum()
    with pytest.raises(InputError, match=r"no class 'eleven'\. It has: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9"):
        prepare_dataset.fn("digits", **how, classes=("3", "eleven"))


def test_all_classes_are_the_source_itself() -> None:
    source = open_source("digits", data_dir=None, download=False, reading=Reading(classes=tuple("0123456789")))
    assert only_classes(source, None) is source
    assert only_classes(source, tuple("9876543210")) is source


def test_names_are_the_same_however_their_accents_are_written() -> None:
    assert chosen_classes(("\u00e9te", "zoo", "a"), ("zoo", "e\u0301te")) == ("\u00e9te", "zoo")


def test_a_label_that_stands_for_no_class_is_kept_to_be_told_of() -> None:
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)
    source = Source(
        location="here",
        classes=("a", "b", "c"),
        channels=1,
        counts={"train": 5},
        blocks={"train": lambda _: iter([(images, np.array([2, -1, 1, 0, 7]))])},
        identity=lambda: "made up",
    )
    ((kept, labels),) = only_classes(source, ("b", "c")).blocks["train"](1)
    assert kept.ravel().tolist() == [0, 1, 2, 4]
    assert labels.tolist() == [1, -1, 0, 7]

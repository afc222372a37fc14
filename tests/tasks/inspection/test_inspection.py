"""What is found in a dataset, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.inspection import inspection as module
from tasks.inspection.inspection import Inspection, inspect
from tasks.inspection.worries import worries
from tasks.sources.images import SourceFacts
from tests.support.made_up_datasets import SIDE, Made


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., Inspection]:
    def look(made: Made, **how: Any) -> Inspection:
        return inspect(made.prepared(tmp_path / "set"), **how)

    return look


def test_classes_are_counted_by_split(found: Callable[..., Inspection]) -> None:
    made = Made.of(train=40, validation=10, test=21)
    assert found(made).images == {
        "cat": {"train": 20, "validation": 5, "test": 11},
        "dog": {"train": 20, "validation": 5, "test": 10},
    }


def test_copies_across_splits_and_labels_come_first(found: Callable[..., Inspection]) -> None:
    made = Made.of(train=40, validation=10, test=20)
    images = made.images
    images["train"][2] = images["train"][0]  # within a split and a class
    images["train"][7] = images["train"][4]  # of another class
    images["test"][0] = images["train"][10]  # in another split
    images["test"][3] = images["train"][12]  # both
    images["validation"][4] = images["test"][8] ^ 1  # nearly the same
    copies = found(made).copies
    assert [(copy.first.name, copy.second.name, copy.exact) for copy in copies] == [
        ("image 12", "image 53", True),
        ("image 10", "image 50", True),
        ("image 44", "image 58", False),
        ("image 4", "image 7", True),
        ("image 0", "image 2", True),
    ]
    assert (copies[0].first.label, copies[0].second.label) == ("cat", "dog")
    assert (copies[0].first.split, copies[0].second.split) == ("train", "test")


def test_what_should_worry_is_said(found: Callable[..., Inspection]) -> None:
    made = Made.of(train=40, validation=10, test=20)
    made.images["test"][0] = made.images["train"][10]
    made.images["test"][3] = made.images["train"][12]
    made.images["train"][5], made.images["train"][6] = 7, 255
    made.images["train"][6, :, : SIDE // 2] = 253  # no more than a grey level from its mean
    made.labels["train"][:37] = 0
    made.facts = SourceFacts(
        names={
            split: tuple(f"{split}/{number}.png" for number in range(len(each))) for split, each in made.images.items()
        },
        icc_profiles=1,
        passed_over=("cat/Thumbs.db", "notes.txt"),
        broken=tuple(f"cat/b{number}.jpg" for number in range(7)),
    )
    assert worries(found(made)) == (
        (
            "2 of 20 test images equal an image that is trained on, or validated on before the test: accuracies on "
            "them are too good. Take the copies out of the data."
        ),
        "2 pairs of images are equal in every pixel: 2 of them in two splits and 1 of them under two labels.",
        "2 images are of a single colour, or nearly so: train/5.png, train/6.png.",
        "1 class has fewer than 20 images to learn from: dog (2).",
        "It is validated on 10 images, of which one is 10 points of accuracy: smaller differences cannot be seen.",
        (
            "7 images could not be read, and left out as was asked for: cat/b0.jpg, cat/b1.jpg, cat/b2.jpg, "
            "cat/b3.jpg, cat/b4.jpg and 2 more."
        ),
        "2 files were passed over, because no image is in it or it belongs to no class: cat/Thumbs.db, notes.txt.",
        "1 image has a colour profile, which is not applied: its colours are taken as they are stored.",
    )


def test_a_single_pair_is_said_as_one(found: Callable[..., Inspection]) -> None:
    made = Made.of(train=60, validation=200, test=20)
    made.images["test"][3] = made.images["train"][12] ^ 1
    assert worries(found(made)) == ("1 pair of images is nearly equal: it lies in two splits and has two labels.",)


def test_classes_of_very_different_sizes_are_said(found: Callable[..., Inspection]) -> None:
    made = Made.of(train=240, validation=210, test=10)
    for labels in made.labels.values():
        labels[:] = np.arange(len(labels)) % 10 == 0
    (said,) = [sentence for sentence in worries(found(made)) if "metric" in sentence]
    assert said.startswith("Class 'cat' has 414 images, class 'dog' 46: a model that always says 'cat' has an accuracy")


def test_nothing_worries_without_need(found: Callable[..., Inspection]) -> None:
    assert worries(found(Made.of(train=60, validation=200, test=20))) == ()


def test_nearly_equal_images_need_not_be_looked_for(
    found: Callable[..., Inspection], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Made.of(train=40, validation=10, test=20)
    made.images["test"][0] = made.images["train"][10] ^ 1
    assert len(found(made).copies) == 1
    told: list[int] = []
    unsought = found(made, near=False, advance=told.append)
    assert (unsought.copies, unsought.near_compared, told) == ((), False, [])
    monkeypatch.setattr(module, "MOST_IMAGES", 69)
    assert not found(made).near_compared

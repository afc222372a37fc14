"""What is kept of a dataset, to know it again and to say what has changed."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

from tasks.data.bound_dataset import BoundDataset
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError


def refusal(bound: BoundDataset, prepared: PreparedDataset) -> str:
    with pytest.raises(InputError) as error:
        bound.require_same(prepared)
    return str(error.value)


def test_it_survives_being_kept_and_knows_its_dataset(prepared: PreparedDataset) -> None:
    bound = BoundDataset.of(prepared)
    assert BoundDataset.model_validate_json(bound.model_dump_json()) == bound
    assert bound.examples == {"train": 190, "validation": 50, "test": 60}
    assert sum(bound.classes.values()) == 300
    assert bound.source.startswith("digits scikit-learn ")
    bound.require_same(prepared)
    bound.model_copy(update={"digest": bound.digest[:12]}).require_same(prepared)  # as MLflow has it


def test_the_copy_of_then_is_found_as_long_as_it_is_whole(own_prepared: PreparedDataset) -> None:
    bound = BoundDataset.of(own_prepared)
    assert bound.prepared_copy() == own_prepared
    os.truncate(own_prepared.directory / "images.npy", 100)
    assert bound.prepared_copy() is None
    shutil.rmtree(own_prepared.directory)
    assert bound.prepared_copy() is None


def test_a_copy_that_was_made_anew_of_other_data_is_not_that_of_then(own_prepared: PreparedDataset) -> None:
    assert BoundDataset.of(own_prepared).model_copy(update={"digest": "another"}).prepared_copy() is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"classes": {"0": 9, "gone": 7}}, ["class '0' 9 images, now ", "class 'gone' 7 images, now 0", "and 6 more"]),
        ({"examples": {"train": 189, "validation": 50, "test": 60}}, ["split 'train' 189 images, now 190"]),
        ({"location": "elsewhere"}, ["as many images", "from 'elsewhere', now \"scikit-learn's load_digits\""]),
        ({"classes": {}}, ["as many images in each class and split, but other images, labels or splits"]),
    ],
)
def test_what_has_changed_is_told(prepared: PreparedDataset, changes: dict[str, Any], told: list[str]) -> None:
    then = BoundDataset.of(prepared).model_copy(update={"digest": "d" * 64, **changes})
    message = refusal(then, prepared)
    for words in [
        *told,
        f"digest {'d' * 12}, now {prepared.digest[:12]}",
        "nothing of it was touched",
        "without resume",
    ]:
        assert words in message
    assert str(prepared.directory) in message

"""What is done to training images, as it is typed, named and handed on."""

from __future__ import annotations

from typing import get_args

import pytest

from flows.parameters.augment import AugmentationName
from flows.parameters.compare import CompareParameters
from flows.parameters.signature import validated
from flows.parameters.study_plan import digest_of, one_of_each_setting, training_of
from flows.parameters.train import TrainParameters
from models.augmentation import AUGMENTATIONS
from tasks.foundation.errors import InputError


def test_the_choices_are_those_that_there_are_in_their_order() -> None:
    assert get_args(AugmentationName) == tuple(AUGMENTATIONS)


@pytest.mark.parametrize("typed", ["flip,crop,mixup", "mixup, crop,flip,crop", ["crop", "mixup", "flip"]])
def test_the_same_augmentations_are_the_same_run_however_they_are_typed(typed: object) -> None:
    p = validated(TrainParameters, {"augment": typed})
    assert p.augment == ("flip", "crop", "mixup")
    assert digest_of(p, "data") == digest_of(TrainParameters(augment=("flip", "crop", "mixup")), "data")
    assert validated(TrainParameters, p.recorded()) == p


def test_a_run_that_is_augmented_says_so() -> None:
    p = TrainParameters(augment="crop,flip", dataset="digits")
    assert p.display_name() == "momentum 0.01 s0 augment=flip,crop digits"
    assert p.banner().endswith(", augmented: flip, crop")
    assert "augment" not in TrainParameters().display_name() + TrainParameters().banner()
    assert "augmented: flip, crop\n" in CompareParameters(augment="crop,flip").banner()
    assert p.fitting()["augment"] == ("flip", "crop")


def test_all_trials_of_a_comparison_are_augmented_alike() -> None:
    p = CompareParameters(augment="mixup")
    assert {training_of(p, planned).augment for planned in one_of_each_setting(p)} == {("mixup",)}


@pytest.mark.parametrize("typed", ["", "flip,", "rotat", "flip,none"])
def test_what_there_is_not_is_refused_with_what_there_is(typed: str) -> None:
    with pytest.raises(InputError) as refused:
        validated(TrainParameters, {"augment": typed})
    wrong = typed.rsplit(",", maxsplit=1)[-1]
    told = f"augment: received {wrong!r}; allowed: one of {', '.join(AUGMENTATIONS)}; several are separated by commas"
    assert (
        str(refused.value) == f"{told}; or none{' (did you mean ' + repr('rotate') + '?)' if wrong == 'rotat' else ''}"
    )


def test_mixup_needs_a_second_image() -> None:
    for model, sizes in ((TrainParameters, {"batch_size": 1}), (CompareParameters, {"batch_sizes": [32, 1]})):
        with pytest.raises(InputError, match="augment: received mixup with batch_size 1"):
            validated(model, {"augment": "flip,mixup", **sizes})
    assert TrainParameters(augment="flip", batch_size=1).augment == ("flip",)

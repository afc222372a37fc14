"""Steps with augmentation are held against those without, with times that are made up; one is measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import augment
from benchmarks.programs import augmented
from tests.support.plans import Spoken


@pytest.mark.parametrize(("flip_and_crop", "met"), [(2.19, True), (2.21, False)])
def test_flip_and_crop_are_held_to_a_tenth_and_the_others_told(
    monkeypatch: pytest.MonkeyPatch, *, flip_and_crop: float, met: bool
) -> None:
    def answer(command: list[str], _home: Path, **_: str) -> dict[str, float]:
        assert command[-1] == "40"
        return {"none": 2.0, "flip,crop": flip_and_crop, "color": 9.0}

    monkeypatch.setattr(augment, "answer_of", answer)
    result = augment.augment((spoken := Spoken()).plan(rounds=2))
    assert {ratio.name: ratio.values[0] for ratio in result.ratios} == {
        "flip,crop / none": pytest.approx(flip_and_crop / 2),
        "color / none": pytest.approx(4.5),
    }
    assert result.met() is met
    assert len(spoken) == 6


def test_each_augmentation_is_measured_alone_and_with_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(augmented, "block_of", lambda names: lambda: calls.append(names))
    found = augmented.main(2)
    assert calls == list(augmented.MIXTURES) * 2
    assert list(found)[:3] == ["none", "flip,crop", "flip"]
    assert list(found)[-1] == "flip,crop,rotate,color,erase,mixup"
    assert all(milliseconds > 0 for milliseconds in found.values())


@pytest.mark.parametrize("names", [(), ("flip", "crop")])
def test_a_block_trains_with_what_it_is_named_after(names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, ...]] = []
    trained: list[int] = []
    original_augmentation, original_steps = augmented.Augmentation, augmented.make_train_steps

    def noted_augmentation(chosen: tuple[str, ...], *given: Any) -> Any:
        made.append(chosen)
        return original_augmentation(chosen, *given)

    def noted_steps(*given: Any) -> Any:
        steps = original_steps(*given)

        def train(images: Any, *others: Any) -> Any:
            trained.append(len(images))
            return steps(images, *others)

        return train

    monkeypatch.setattr(augmented, "Augmentation", noted_augmentation)
    monkeypatch.setattr(augmented, "make_train_steps", noted_steps)
    augmented.block_of(names)()
    assert made == ([names] if names else [])
    assert trained == [augmented.STEPS * augmented.BATCH_SIZE] * 2  # once to be traced

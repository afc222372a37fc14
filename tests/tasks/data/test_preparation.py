"""What a source gives on its way to the disk: fewer examples than it might have, and what it cannot read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.data.descriptions import Findings, read_findings
from tasks.data.leaks import leak_tags, leaks_in_words
from tasks.data.preparation import Preparation, pixel_statistics, write_prepared
from tasks.data.prepared import DamagedError, PreparedDataset, load_prepared
from tasks.data.resplit import resplit
from tasks.foundation.errors import InputError
from tasks.sources.images import Block, Source, SourceFacts

SIDE = 16


def source(given: int, told: int, facts: object = SourceFacts) -> Source:
    """A source of ``told`` training images that gives no more than ``given``; image i has the grey level i."""

    def block(count: int, first: int) -> Block:
        images = np.full((count, SIDE, SIDE, 1), np.arange(first, first + count)[:, None, None, None], np.uint8)
        return images, np.arange(count) % 2

    return Source(
        location="here",
        classes=("even", "odd"),
        channels=1,
        counts={"train": told, "test": 4},
        blocks={"train": lambda _: iter([block(given, 0)]), "test": lambda _: iter([block(4, 200)])},
        identity=lambda: "made up",
        facts=facts,  # type: ignore[arg-type]
    )


def prepared(directory: Path, given: int, told: int) -> PreparedDataset:
    write_prepared(directory, Preparation("digits", "made up", SIDE, 0.25), source(given, told))
    return load_prepared(directory)


@pytest.mark.parametrize("told", [8, 9, 5000])
def test_a_source_may_give_fewer_examples_than_it_told(tmp_path: Path, told: int) -> None:
    found = prepared(tmp_path / "fewer", 8, told)
    images = np.load(found.directory / "images.npy")
    assert images[:, 0, 0, 0].tolist() == [*range(8), *range(200, 204)]
    assert (images == images[:, :1, :1]).all()
    assert found.examples == {"train": 6, "validation": 2, "test": 4}
    assert found.indices("test").tolist() == [8, 9, 10, 11]
    assert found.digest == prepared(tmp_path / "as told", 8, 8).digest  # to the last byte of each file


def test_what_could_not_be_read_is_told_after_all_was_read(tmp_path: Path) -> None:
    def refused() -> SourceFacts:
        raise InputError("two images cannot be read")

    with pytest.raises(InputError, match="two images cannot be read"):
        write_prepared(tmp_path / "broken", Preparation("digits", "made up", SIDE, 0.25), source(8, 8, refused))
    assert list(tmp_path.iterdir()) == []


def test_statistics_are_the_same_however_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)
    whole = pixel_statistics(images, np.arange(50))
    monkeypatch.setattr("tasks.data.preparation.STATISTICS_BYTES", 7 * 8 * 8 * 3)
    assert pixel_statistics(images, np.arange(50)) == whole
    np.testing.assert_allclose(whole[0], images.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(whole[1], images.std(axis=(0, 1, 2)))


def pictures(random: np.random.Generator, count: int) -> np.ndarray:
    return random.integers(0, 256, (count, SIDE, SIDE, 1), dtype=np.uint8)


def of_splits(images: dict[str, np.ndarray], facts: SourceFacts = SourceFacts()) -> Source:  # noqa: B008  # frozen
    """A source of these images by split; every other one is of the other class."""

    def blocks(split: str) -> Iterator[Block]:
        yield images[split], np.arange(len(images[split])) % 2

    return Source(
        location="here",
        classes=("even", "odd"),
        channels=1,
        counts={split: len(each) for split, each in images.items()},
        blocks={split: lambda _, split=split: blocks(split) for split in images},  # type: ignore[misc]
        identity=lambda: "made up",
        facts=lambda: facts,
    )


def written(directory: Path, source: Source, **how: Any) -> PreparedDataset:
    given = {"image_size": SIDE, "validation_fraction": 0.25, **how}
    write_prepared(directory, Preparation("digits", "made up", **given), source)
    return load_prepared(directory)


def test_the_splits_that_the_data_came_with_are_used_and_their_leaks_counted(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images = {split: pictures(random, count) for split, count in (("train", 12), ("validation", 6), ("test", 8))}
    images["validation"][2] = images["train"][5]
    images["test"][0], images["test"][1] = images["train"][5], images["validation"][4]
    found = written(tmp_path / "given", of_splits(images))
    assert found.given_splits == ("train", "validation", "test")
    assert not found.redraws
    assert {split: found.indices(split).tolist() for split in ("train", "validation", "test")} == {
        "train": [*range(12)],
        "validation": [*range(12, 18)],
        "test": [*range(18, 26)],
    }
    assert found.leaked == {"validation": 1, "test": 2}
    assert leaks_in_words(found) == "1 of 6 validation images and 2 of 8 test images"
    assert leak_tags(found) == {"dataset.leaked": "1 of 6 validation images and 2 of 8 test images"}
    with pytest.raises(InputError, match=r"split_seed: received 3, but 'digits' has a validation split of its own"):
        resplit(found, 3)
    assert resplit(found, 0) is found


def test_what_was_drawn_leaks_only_where_copies_may_part(tmp_path: Path) -> None:
    images = pictures(np.random.default_rng(0), 60)
    images[30:] = images[:30]
    together = written(tmp_path / "together", of_splits({"train": images}))
    assert together.leaked == {"validation": 0, "test": 0}
    assert leak_tags(together) == {}
    for prepared_set in (together, resplit(together, 5)):
        parts = [set((prepared_set.indices(split) % 30).tolist()) for split in ("train", "validation", "test")]
        assert not parts[0] & parts[1]
        assert not parts[0] & parts[2]
        assert not parts[1] & parts[2]
        assert {split: len(prepared_set.indices(split)) for split in prepared_set.examples} == prepared_set.examples
    apart = written(tmp_path / "apart", of_splits({"train": images}), keep_together="none")
    assert apart.leaked["test"] > 0
    assert "units.npy" not in apart.files


def test_groups_are_kept_together_and_go_on_to_be(tmp_path: Path) -> None:
    patients = tuple(f"patient {number % 10}" for number in range(80))
    facts = SourceFacts(groups={"train": patients}, names={"train": tuple(f"{number}.png" for number in range(80))})
    found = written(tmp_path / "groups", of_splits({"train": pictures(np.random.default_rng(0), 80)}, facts))
    for prepared_set in (found, resplit(found, 9)):
        of_split = {split: {patients[at] for at in prepared_set.indices(split)} for split in prepared_set.examples}
        assert sum(map(len, of_split.values())) == 10
        assert all(of_split.values())
    assert found.names("test") == tuple(f"{at}.png" for at in found.indices("test"))
    assert resplit(found, 9).names("validation") == tuple(f"{at}.png" for at in resplit(found, 9).indices("validation"))


def test_what_reading_found_is_kept_and_changes_no_digest(tmp_path: Path) -> None:
    images = {"train": pictures(np.random.default_rng(0), 12), "test": pictures(np.random.default_rng(1), 5)}
    facts = SourceFacts(
        names={"train": tuple(f"a/猫 {number}.png" for number in range(12)), "test": tuple("pqrst")},
        sizes=np.array([[number, 2 * number] for number in range(17)], dtype=np.int32),
        icc_profiles=3,
        passed_over=("a/Thumbs.db",),
        broken=("a/b\udcff.png",),
    )
    plain = written(tmp_path / "plain", of_splits(images))
    told = written(tmp_path / "told", of_splits(images, facts), limit_examples=4)
    assert plain.descriptions == {}
    assert plain.names("train") is None
    assert read_findings(plain.directory) == Findings()
    assert written(tmp_path / "whole", of_splits(images, facts)).digest == plain.digest
    assert told.names("test") == ("p", "q", "r", "s")
    assert {name for split in ("train", "validation") for name in told.names(split) or ()} == {
        f"a/猫 {number}.png" for number in range(4)
    }
    findings = read_findings(told.directory)
    assert findings.sizes == ((0, 0), (1, 2), (2, 4), (3, 6), (12, 24), (13, 26), (14, 28), (15, 30))
    assert (findings.icc_profiles, findings.passed_over) == (3, ("a/Thumbs.db",))
    assert findings.broken == ("a/b\udcff.png",)


@pytest.mark.parametrize("name", ["names.json", "units.npy"])
def test_damage_to_what_is_kept_beside_the_arrays_is_found(tmp_path: Path, name: str) -> None:
    images = pictures(np.random.default_rng(0), 12)
    images[6] = images[0]
    facts = SourceFacts(names={"train": tuple(map(str, range(12)))})
    found = written(tmp_path / "set", of_splits({"train": images}, facts))
    with (found.directory / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(DamagedError, match=name):
        load_prepared(found.directory)


def test_what_was_not_asked_for_before_changes_no_directory() -> None:
    usual = Preparation("digits", "made up", SIDE, 0.25)
    assert usual.directory().name == "digits-73b1a315a6d9"
    assert replace(usual, keep_together="near").directory() != usual.directory()

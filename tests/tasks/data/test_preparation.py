"""What a source gives on its way to the disk: fewer examples than it might have, and what it cannot read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tasks.data.preparation import Preparation, pixel_statistics, write_prepared
from tasks.data.prepared import PreparedDataset, load_prepared
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

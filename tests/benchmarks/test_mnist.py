"""Which images the benchmarks take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow_datasets as tfds

from benchmarks import mnist as place_of_mnist
from benchmarks.mnist import mnist
from benchmarks.plan import Plan
from benchmarks.programs import synthetic


def test_the_real_mnist_is_taken_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mnist").mkdir()
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with mnist(Plan(1, print)) as (data, note):
        assert (data, note) == (str(tmp_path), "The data is the real MNIST.")


@pytest.mark.parametrize(("small", "wanted"), [(False, (60_000, 10_000)), (True, (3_200, 500))])
def test_else_as_many_images_are_made_and_it_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    small: bool,  # noqa: FBT001 - a table of cases
    wanted: tuple[int, int],
) -> None:
    written: list[tuple[Path, int, int]] = []
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(place_of_mnist, "write_synthetic", lambda *given: written.append(given))
    with mnist(Plan(1, print, small=small)) as (data, note):
        assert written == [(Path(data), *wanted)]
        assert f"synthetic, of MNIST's form: {wanted[0]:,} images" in note
        assert ("TFDS_DATA_DIR" in note) is not small


def test_tensorflow_datasets_loads_what_was_written_for_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthetic, "DISTINCT", 20)
    synthetic.main(tmp_path, 50, 10)
    train, test = tfds.load(
        "mnist", split=["train", "test"], as_supervised=True, download=False, data_dir=tmp_path, shuffle_files=False
    )
    images, labels = zip(*tfds.as_numpy(train), strict=True)
    assert (len(images), len(test)) == (50, 10)
    assert images[0].shape == (28, 28, 1)
    assert set(labels) <= set(range(10))
    assert len(set(labels)) > 1
    np.testing.assert_array_equal(images[0], images[20])
    assert not np.array_equal(images[0], images[1])

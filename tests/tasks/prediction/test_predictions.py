"""What a model is asked about pictures: the pixels of preparation, block by block, and what cannot be read is told."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from served_model.classifier import Predictions
from served_model.description import ModelDescription
from tasks.dataset import prepare_dataset
from tasks.prediction.predictions import Guess, PredictedBlock, predict_pictures
from tasks.sources import parallel_decoding
from tasks.sources.picture_list import Picture, list_pictures

SIZE = 16


class Asked:
    """Stands for a model: remembers the images of each call, and says of each that its class is its first pixel's."""

    def __init__(self, channels: int = 3, fit: Any = "stretch", images: int = 4) -> None:
        shape = (SIZE, SIZE, channels)
        self.description = ModelDescription(("cat", "dog"), shape, fit, block_bytes=images * SIZE * SIZE * channels)
        self.blocks: list[np.ndarray] = []

    def predict(self, images: np.ndarray) -> Predictions:
        self.blocks.append(images)
        share = images[:, 0, 0, 0].astype(np.float32) / 255
        probabilities = np.stack([1 - share, share], axis=1)
        return Predictions(probabilities.argmax(axis=1).astype(np.int32), probabilities)


def ask(model: Any, pictures: list[Picture]) -> list[PredictedBlock]:
    return list(predict_pictures(model, pictures))


def grey(path: Path, level: int) -> Picture:
    Image.new("L", (SIZE, SIZE), level).save(path)
    return Picture(path)


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two classes of files of many kinds, none of them square: turned, transparent, of 16 bits, of two colours."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (folder := tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(6):
            picture = Image.fromarray(random.integers(0, 256, (40 + number, 60, 4), np.uint8))
            exif = Image.Exif()
            exif[0x0112] = number + 1
            picture.convert("RGB").save(folder / f"{number}.jpg", exif=exif)
            picture.save(folder / f"{number}.png")
            picture.convert("P").save(folder / f"{number}.gif")
        Image.fromarray(random.integers(0, 2**16, (30, 50), np.uint16)).save(folder / "deep.png")
    return tmp_path / "pets"


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_the_same_file_has_the_same_pixels_as_in_preparation(photographs: Path, fit: str) -> None:
    prepared = prepare_dataset.fn("folder:pets", image_size=SIZE, validation_fraction=0.2, fit=fit)
    images = np.load(prepared.directory / "images.npy")
    expected = {
        name: images[place]
        for split in prepared.examples
        for name, place in zip(prepared.names(split) or (), prepared.indices(split), strict=True)
    }
    found = list_pictures([photographs], prepared.classes).pictures
    ask(model := Asked(fit=fit), found)
    asked = np.concatenate(model.blocks)
    assert len(asked) == len(expected) == 38
    for picture, pixels in zip(found, asked, strict=True):
        np.testing.assert_array_equal(pixels, expected[str(picture.path.relative_to(photographs))])
        assert picture.label == picture.path.parent.name


def test_blocks_are_those_of_an_evaluation_of_what_can_be_read(tmp_path: Path) -> None:
    levels = [0, 255, 0, 255, 255, 0, 255, 0, 0]
    pictures = [grey(tmp_path / f"{number}.png", level) for number, level in enumerate(levels)]
    (tmp_path / "empty.png").touch()
    pictures[2:2] = [Picture(tmp_path / "empty.png"), Picture(tmp_path / "nowhere.png")]
    blocks = ask(model := Asked(channels=1), pictures)
    assert [len(block) for block in model.blocks] == [4, 4, 1]
    assert np.concatenate(model.blocks)[:, 0, 0, 0].tolist() == levels
    said = [prediction for block in blocks for prediction in block.predictions(("cat", "dog"))]
    assert [each.picture for each in said] == pictures
    assert [each.reason for each in said] == ["", "", "it is empty", "No such file or directory", *[""] * 7]
    assert [each.best[0].name for each in said if each.best] == [("cat", "dog")[level // 255] for level in levels]


def test_of_pictures_none_of_which_can_be_read_nothing_is_said(tmp_path: Path) -> None:
    (block,) = ask(Asked(), [Picture(tmp_path / "nowhere.png")])
    assert [(each.best, each.reason) for each in block.predictions(("cat", "dog"))] == [
        ((), "No such file or directory")
    ]


@pytest.mark.timeout(60)
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    paths = [tmp_path / "pipe.png", Path("/dev/zero"), tmp_path, tmp_path / "a\0b.png"]
    (block,) = ask(Asked(), [Picture(path) for path in paths])
    told = ["it is a pipe or a device, and no file"] * 2 + ["Is a directory", "embedded null byte"]
    assert block.reasons == told


def test_the_predicted_class_comes_first_and_numbers_are_as_short_as_they_can_be() -> None:
    probabilities = np.array([[0.2, 0.4, 0.0, 0.4], [0.1, 0.2, 0.3, 0.4]], np.float32)
    block = PredictedBlock(
        [Picture(Path("a")), Picture(Path("b"))], ["", ""], Predictions(np.array([3, 3]), probabilities)
    )
    first, second = block.predictions(("0", "1", "2", "3"))
    assert first.best == (Guess("3", 0.4), Guess("1", 0.4), Guess("0", 0.2))  # equal ones, of which the last is meant
    assert [guess.name for guess in second.best] == ["3", "2", "1"]
    assert np.float32(first.best[0].probability) == probabilities[0, 3]


def test_of_many_pictures_few_are_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held is far from all of them, whatever other threads of this process take meanwhile."""
    monkeypatch.setattr(parallel_decoding, "usable_cores", lambda: 1)  # each reads some ahead
    size, pictures = 128, 2400
    Image.new("L", (size, size), 7).save(tmp_path / "grey.png")
    model = Asked(images=32)
    model.description = ModelDescription(("cat", "dog"), (size, size, 3), "stretch", block_bytes=32 * size * size * 3)
    tracemalloc.start()
    try:
        for _ in predict_pictures(model, [Picture(tmp_path / "grey.png")] * pictures):  # type: ignore[arg-type]
            model.blocks.clear()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < pictures * size * size * 3 / 4

"""Which images are found to be copies of each other, among planted ones and among innocent ones."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.data.copies import COMPARED, difference_hashes, exact_copies, near_copies
from tasks.dataset import prepare_dataset

SIDE = 32


def scene(number: int, width: int = 160, height: int = 120) -> Image.Image:
    """A picture with smooth large shapes and some texture, as photographs have: another for each number."""
    random = np.random.default_rng(number)
    coarse = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((width, height), Image.BICUBIC)
    texture = random.normal(0, 6, (height, width, 3))
    return Image.fromarray(np.clip(np.asarray(coarse) + texture, 0, 255).astype(np.uint8))


def saved(image: Image.Image, kind: str, **how: object) -> Image.Image:
    content = io.BytesIO()
    image.save(content, kind, **how)
    return Image.open(content).convert("RGB")


def prepared(images: list[Image.Image]) -> np.ndarray:
    return np.stack([np.asarray(image.resize((SIDE, SIDE), Image.BILINEAR)) for image in images])


COPIES = {
    "JPEG": lambda image: saved(image, "JPEG", quality=75),
    "WebP": lambda image: saved(image, "WEBP", quality=80),
    "grey, as GIF": lambda image: saved(image.convert("L"), "GIF"),
    "half the size": lambda image: image.resize((80, 60), Image.LANCZOS),
    "twice the size, as JPEG": lambda image: saved(image.resize((320, 240), Image.BICUBIC), "JPEG", quality=85),
    "brighter": lambda image: image.point(lambda value: min(255, round(value * 0.8 + 25))),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_is_found_whatever_was_done_to_it_and_no_other(how: str) -> None:
    originals = [scene(number) for number in range(40)]
    images = prepared([*originals, *(COPIES[how](image) for image in originals[:10])])
    assert near_copies(images).tolist() == [[number, 40 + number] for number in range(10)]
    assert len(exact_copies(images)) == 0


def test_equal_images_are_found_with_the_first_of_them() -> None:
    images = prepared([scene(number) for number in (0, 1, 0, 2, 1, 0)])
    assert exact_copies(images).tolist() == [[0, 2], [1, 4], [0, 5]]
    assert near_copies(images).tolist() == [[0, 2], [1, 4], [0, 5]]


def test_a_picture_that_is_there_often_is_compared_once() -> None:
    images = np.concatenate([prepared([scene(0)] * 400), prepared([scene(1)]), prepared([scene(0)])])
    told: list[int] = []
    assert near_copies(images, told.append).tolist() == [[0, number] for number in (*range(1, 400), 401)]
    assert sum(told) == len(images)


def test_one_pixel_makes_another_image_which_is_nearly_the_same() -> None:
    images = prepared([scene(0), scene(0)])
    images[1, 5, 5, 0] ^= 1
    assert exact_copies(images).tolist() == []
    assert near_copies(images).tolist() == [[0, 1]]


def test_images_of_one_colour_are_like_none_but_what_equals_them() -> None:
    images = np.stack([np.full((SIDE, SIDE, 1), level, dtype=np.uint8) for level in (0, 0, 10, 255)])
    assert near_copies(images).tolist() == exact_copies(images).tolist() == [[0, 1]]


def test_there_may_be_one_image_or_more_than_are_compared_at_a_time() -> None:
    assert near_copies(prepared([scene(0)])).tolist() == []
    images = np.random.default_rng(0).integers(0, 256, (COMPARED + 70, 9, 9, 3), dtype=np.uint8)
    images[COMPARED + 60] = images[3]
    told: list[int] = []
    assert near_copies(images, told.append).tolist() == [[3, COMPARED + 60]]
    assert told == [1, COMPARED, 69]


def test_a_hash_by_hand() -> None:
    """Eight rows of nine cells, here one pixel each: a bit for each cell that is brighter than the one before."""
    image = np.zeros((8, 9), dtype=np.uint8)
    image[0] = [0, 1, 0, 1, 0, 1, 0, 1, 0]
    image[7] = range(9)
    (found,) = difference_hashes(image[np.newaxis, ..., np.newaxis])
    assert np.unpackbits(np.array([found]).view(np.uint8)).reshape(8, 8).tolist() == [
        [1, 0, 1, 0, 1, 0, 1, 0],
        *[[0] * 8] * 6,
        [1] * 8,
    ]


def test_cells_are_means_over_areas() -> None:
    """Each pixel twice as high and three times as wide changes no hash, for images of 24 x 27 pixels too."""
    image = np.random.default_rng(1).integers(0, 256, (5, 8, 9, 1), dtype=np.uint8)
    larger = image.repeat(3, axis=1).repeat(3, axis=2)
    np.testing.assert_array_equal(difference_hashes(image), difference_hashes(larger))


def test_in_digits_one_pair_is_called_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 1.6 million pairs: two ones that people wrote in nearly the same way."""
    monkeypatch.chdir(tmp_path)
    images, labels = images_of("digits")
    pairs = near_copies(images)
    assert len(pairs) <= 1
    assert labels[pairs].tolist() == [[1, 1]] * len(pairs)
    assert len(exact_copies(images)) == 0


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_in_mnist_nothing_is_called_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 2.4 thousand million pairs."""
    data = Path(os.environ.get("TFDS_DATA_DIR", Path(__file__).parents[4] / "shared" / "tfds"))
    if not (data / "mnist").is_dir():
        pytest.skip(f"the real MNIST does not lie in {str(data)!r}")
    monkeypatch.chdir(tmp_path)
    images, _ = images_of("mnist", data_dir=str(data.resolve()))
    assert len(images) == 70_000
    assert len(near_copies(images)) == 0
    assert len(exact_copies(images)) == 0


def images_of(dataset: str, **where: str) -> tuple[np.ndarray, np.ndarray]:
    found = prepare_dataset.fn(dataset, image_size=SIDE, validation_fraction=0.1, download=False, **where)
    return tuple(np.load(found.directory / f"{name}.npy") for name in ("images", "labels"))

"""Folders of images, made on the spot, and the resizing of every source."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks import dataset
from tasks.data.prepared import PreparedDataset
from tasks.dataset import prepare_dataset
from tasks.foundation.errors import InputError
from tasks.sources import folder_source
from tasks.sources.images import resize

SIDE = 16


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "pictures"
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
    return root


def fill(root: Path, mode: str = "L", colour: object = None, suffix: str = "png", each: int = 5) -> None:
    """Put ``each`` images of one colour into each class: the cats dark, the dogs bright."""
    for name, grey in (("cat", 10), ("dog", 200)):
        for index in range(each):
            level = grey + index
            shade = colour or (level if mode in ("L", "I;16") else (level, 0, 255 - level))
            Image.new(mode, (SIDE, SIDE), shade).save(root / name / f"{index}.{suffix}")


def prepare(root: Path, **changes: object) -> PreparedDataset:
    return prepare_dataset.fn(f"folder:{root}", **{"image_size": SIDE, "validation_fraction": 0.2, **changes})


def colours(prepared: PreparedDataset, label: int) -> set[tuple[int, ...]]:
    """The colours of a class, each image being of one."""
    images, labels = (np.load(prepared.directory / f"{name}.npy") for name in ("images", "labels"))
    assert (images == images[:, :1, :1]).all()
    return {tuple(image[0, 0].tolist()) for image in images[labels == label]}


def test_a_grey_folder_has_one_channel_and_the_subfolders_as_classes(root: Path) -> None:
    fill(root)
    prepared = prepare(root)
    assert prepared.classes == ("cat", "dog")
    assert prepared.image_shape == (SIDE, SIDE, 1)
    assert prepared.examples == {"train": 6, "validation": 2, "test": 2}
    assert colours(prepared, 0) == {(10 + index,) for index in range(5)}
    assert colours(prepared, 1) == {(200 + index,) for index in range(5)}


def test_a_colour_folder_has_three_channels(root: Path) -> None:
    fill(root, "RGB")
    prepared = prepare(root)
    assert prepared.image_shape == (SIDE, SIDE, 3)
    assert colours(prepared, 1) == {(200 + index, 0, 55 - index) for index in range(5)}


def test_jpeg_files_are_read(root: Path) -> None:
    fill(root, "RGB", (100, 150, 200), "JPEG")
    (colour,) = colours(prepare(root), 0)
    assert np.abs(np.subtract(colour, (100, 150, 200))).max() <= 2


def test_one_coloured_image_makes_the_whole_folder_coloured(root: Path) -> None:
    fill(root)
    Image.new("RGB", (SIDE, SIDE), (1, 2, 3)).save(root / "dog" / "coloured.png")
    prepared = prepare(root)
    assert colours(prepared, 0) == {(10 + index,) * 3 for index in range(5)}
    assert (1, 2, 3) in colours(prepared, 1)


def test_transparency_is_left_out(root: Path) -> None:
    fill(root, "RGBA", (10, 20, 30, 128))
    assert colours(prepare(root), 0) == {(10, 20, 30)}


@pytest.mark.parametrize("transparency", [None, 0, bytes([0, 128])])
def test_palette_images_show_the_colours_of_their_palette(root: Path, transparency: int | bytes | None) -> None:
    fill(root, "RGB", (10, 20, 30))
    image = Image.new("P", (SIDE, SIDE), 1)
    image.putpalette([0, 0, 0, 40, 50, 60])
    image.save(root / "cat" / "palette.png", **({} if transparency is None else {"transparency": transparency}))
    assert colours(prepare(root), 0) == {(10, 20, 30), (40, 50, 60)}


def test_sixteen_bit_grey_is_scaled_and_not_clipped(root: Path) -> None:
    fill(root, "I;16", 0x80FF)
    prepared = prepare(root)
    assert prepared.image_shape == (SIDE, SIDE, 1)
    assert colours(prepared, 0) == {(0x80,)}


def test_black_and_white_images_are_grey(root: Path) -> None:
    fill(root, "1", 1)
    assert colours(prepare(root), 0) == {(255,)}


def test_images_of_any_shape_come_to_one_size(root: Path) -> None:
    fill(root)
    Image.new("L", (50, 7), 99).save(root / "cat" / "wide.png")
    assert (99,) in colours(prepare(root), 0)


def test_other_files_and_hidden_folders_are_passed_over(root: Path) -> None:
    fill(root)
    (root / "cat" / "notes.txt").write_text("not an image")
    (root / "README.md").write_text("neither")
    (root / ".cache").mkdir()
    Image.new("L", (SIDE, SIDE)).save(root / ".cache" / "thumbnail.png")
    prepared = prepare(root)
    assert prepared.classes == ("cat", "dog")
    assert sum(prepared.examples.values()) == 10


def test_a_limit_reaches_every_class(root: Path) -> None:
    fill(root, each=40)
    prepared = prepare(root, limit_examples=30)
    assert np.bincount(np.load(prepared.directory / "labels.npy")).min() >= 5


def test_a_changed_image_is_prepared_anew(root: Path) -> None:
    fill(root)
    first = prepare(root)
    Image.new("L", (SIDE, SIDE), 77).save(root / "cat" / "0.png")
    second = prepare(root)
    assert second.digest != first.digest
    assert (77,) in colours(second, 0)


def test_the_same_images_with_other_times_are_not_prepared_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(root)
    first = prepare(root)
    for path in root.glob("*/*.png"):
        os.utime(path, (1, 1))
    monkeypatch.setattr(dataset, "open_source", lambda *_, **__: pytest.fail("it was prepared again"))
    assert prepare(root) == first


def test_an_image_of_the_same_size_and_time_is_prepared_anew(root: Path) -> None:
    fill(root)
    first, path = prepare(root), root / "cat" / "0.png"
    before = path.stat()
    path.write_bytes((root / "cat" / "1.png").read_bytes())
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert prepare(root).digest != first.digest


def test_a_folder_that_changes_while_it_is_prepared_is_refused(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(root)
    original = folder_source._pixels

    def changed_meanwhile(path: Path, channels: int) -> np.ndarray:
        (root / "dog" / "late.png").write_bytes(path.read_bytes())
        return original(path, channels)

    monkeypatch.setattr(folder_source, "_pixels", changed_meanwhile)
    with pytest.raises(InputError, match="was changed while it was being prepared; run this again once it is not"):
        prepare(root)
    assert [path for path in (tmp_path / "data").iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("limit", [0, 1])
def test_a_folder_of_fewer_than_two_classes_is_refused(root: Path, limit: int) -> None:
    for index in range(5 * limit):
        Image.new("L", (SIDE, SIDE)).save(root / "cat" / f"{index}.png")
    with pytest.raises(InputError, match=rf"{root.name}.* has PNG or JPEG files in {limit} subfolders; .*at least 2"):
        prepare(root)


def test_a_broken_image_is_named_and_nothing_is_left(root: Path, tmp_path: Path) -> None:
    fill(root)
    whole = (root / "dog" / "3.png").read_bytes()
    (root / "dog" / "3.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"cannot read the image '.*/dog/3\.png'"):
        prepare(root)
    assert [path for path in (tmp_path / "data").iterdir() if path.is_dir()] == []


def test_what_is_no_image_is_named(root: Path) -> None:
    fill(root)
    (root / "cat" / "text.jpg").write_text("not an image")
    with pytest.raises(InputError, match=r"cannot read the image '.*/cat/text\.jpg'"):
        prepare(root)


def test_a_dangling_link_is_named(root: Path) -> None:
    fill(root)
    (root / "cat" / "gone.png").symlink_to(root / "nowhere.png")
    with pytest.raises(InputError, match=r"gone\.png"):
        prepare(root)


def test_an_unreadable_folder_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(root)
    listed = Path.iterdir

    def refused(path: Path) -> Iterator[Path]:  # as for anybody but root, who may read everything
        if path.name == "dog":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(InputError, match=r"cannot read folder .*Permission denied: .*dog"):
        prepare(root)


def test_an_image_that_would_fill_the_memory_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(root)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", SIDE * SIDE // 3)
    with pytest.raises(InputError, match=r"cannot read the image '.*/cat/0\.png'.*decompression bomb"):
        prepare(root)


def test_a_missing_folder_is_named(root: Path) -> None:
    with pytest.raises(InputError, match=r"there is no folder '.*nowhere'"):
        prepare(root / "nowhere")


def bilinear(image: np.ndarray, size: int) -> np.ndarray:
    """Bilinear with antialiasing in one dimension after the other: triangles as wide as the pixels of the result."""

    def weights(old: int) -> np.ndarray:
        scale = old / size
        centres = (np.arange(size) + 0.5) * scale
        distance = np.abs(np.arange(old)[None] + 0.5 - centres[:, None]) / max(scale, 1)
        triangle = np.maximum(0, 1 - distance)
        return triangle / triangle.sum(axis=1, keepdims=True)

    return np.einsum("ia,jb,abc->ijc", weights(image.shape[0]), weights(image.shape[1]), image.astype(np.float64))


@pytest.mark.parametrize("shape", [(28, 28, 1), (8, 8, 1), (40, 90, 3), (32, 32, 3), (33, 31, 1)])
def test_resizing_is_bilinear_and_antialiased(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(math.prod(shape)).integers(0, 256, shape).astype(np.uint8)
    resized = resize(image, 32).numpy()
    assert resized.dtype == np.uint8
    assert np.abs(resized - bilinear(image, 32)).max() < 0.51


def test_an_image_of_the_right_size_is_left_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 1)).astype(np.uint8)
    np.testing.assert_array_equal(resize(image, 32), image)


@pytest.mark.parametrize("shape", [(3, 28, 28, 1), (4, 40, 33, 3), (1, 64, 64, 3)])
def test_a_block_is_resized_image_by_image(shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    np.testing.assert_array_equal(resize(images, 32), np.stack([resize(image, 32) for image in images]))

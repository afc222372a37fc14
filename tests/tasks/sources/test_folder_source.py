"""Folders of images, made on the spot, and the resizing of every source."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from served_model.decoding import Decoded
from tasks import dataset
from tasks.data.prepared import PreparedDataset
from tasks.dataset import prepare_dataset
from tasks.foundation.errors import InputError
from tasks.sources import parallel_decoding
from tasks.sources.catalogue import open_source
from tasks.sources.images import Reading, Source
from tests.support.log import own_messages

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
    # Many of the images here are of one colour, and equal: they may part, so that each class is in each split.
    how = {"image_size": SIDE, "validation_fraction": 0.2, "keep_together": "none", **changes}
    return prepare_dataset.fn(f"folder:{root}", **how)


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


def test_transparency_lies_on_white(root: Path) -> None:
    fill(root, "RGBA", (10, 20, 30, 51))  # a fifth
    assert colours(prepare(root), 0) == {(206, 208, 210)}


@pytest.mark.parametrize("transparency", [None, 0, bytes([0, 255])])
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
    original = parallel_decoding.decode

    def changing(path: Path, **how: Any) -> Decoded:
        Image.new("L", (SIDE, SIDE), 77).save(root / "dog" / "late.png")
        return original(path, **how)

    monkeypatch.setattr(parallel_decoding, "decode", changing)
    with pytest.raises(InputError, match="was changed while it was being prepared"):
        prepare(root)
    assert [path for path in (tmp_path / "data").iterdir() if path.is_dir()] == []


def test_a_folder_of_fewer_than_two_classes_is_refused(tmp_path: Path) -> None:
    told = r"nothing.* has images in 0 subfolders; .*at least 2, one subfolder of images for each class$"
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match=told):
        prepare(tmp_path / "nothing")
    (tmp_path / "one" / "a").mkdir(parents=True)
    Image.new("L", (SIDE, SIDE)).save(tmp_path / "one" / "a" / "1.png")
    with pytest.raises(InputError, match=r"one.* has images in 1 subfolder; .* for each class$"):
        prepare(tmp_path / "one")
    fill_classes(tmp_path / "above" / "images", ["a", "b"])
    with pytest.raises(InputError, match=r"in 1 subfolder; .*give the folder that holds the folders of the classes$"):
        prepare(tmp_path / "above")


def fill_classes(root: Path, names: Iterable[str], each: int = 4) -> None:
    for label, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for index in range(each):
            Image.new("L", (SIDE, SIDE), (label * 7 + index) % 256).save(root / name / f"{index}.png")


def opened(root: Path, **reading: Any) -> Source:
    return open_source(f"folder:{root}", data_dir=None, download=False, reading=Reading(**reading))


def read(source: Source, split: str = "train", size: int = SIDE) -> tuple[np.ndarray, np.ndarray]:
    images, labels = (np.concatenate(part) for part in zip(*source.blocks[split](size), strict=True))
    return images, labels


@pytest.mark.parametrize(
    "names",
    [
        ["1", "2", "10", "11"],
        ["犬", "猫"],
        ["a b", "a c", "Bär", "été", "Zoo"],
        ["class 9", "class 10"],
        ["a^b$x^", "c$y_$z"],
    ],
)
def test_classes_lie_in_the_order_that_a_person_expects(tmp_path: Path, names: list[str]) -> None:
    fill_classes(tmp_path / "names", names)
    source = opened(tmp_path / "names")
    assert source.classes == tuple(names)
    images, labels = read(source)
    assert (images[:, 0, 0, 0] // 7 == labels).all()


def test_an_accent_that_macos_wrote_is_the_same_class(tmp_path: Path) -> None:
    fill_classes(tmp_path / "names", ["e\u0301te", "zoo"])
    assert opened(tmp_path / "names").classes == ("\u00e9te", "zoo")
    assert opened(tmp_path / "names", classes=("e\u0301te", "zoo")).classes == ("\u00e9te", "zoo")


def test_three_hundred_classes(tmp_path: Path) -> None:
    fill_classes(tmp_path / "many", [f"class {number}" for number in range(300)], each=5)
    prepared = prepare(tmp_path / "many")
    assert prepared.classes == tuple(f"class {number}" for number in range(300))
    assert prepared.examples == {"train": 900, "validation": 300, "test": 300}
    images, labels = (np.load(prepared.directory / f"{name}.npy") for name in ("images", "labels"))
    assert np.isin((images[:, 0, 0, 0] - labels * 7) % 256, range(5)).all()


def test_the_splits_of_a_person_are_told_apart(tmp_path: Path) -> None:
    for split, each in (("Train", 6), ("val", 3), ("test", 2)):
        fill_classes(tmp_path / "given" / split, ["a", "b"], each=each)
    source = opened(tmp_path / "given")
    assert list(source.counts.items()) == [("train", 12), ("validation", 6), ("test", 4)]
    assert source.classes == ("a", "b")
    for split in source.counts:
        images, labels = read(source, split)
        assert (images[:, 0, 0, 0] // 7 == labels).all()
    names = source.facts().names
    assert list(names) == ["train", "validation", "test"]
    assert sorted(names["validation"]) == [f"val/{name}/{index}.png" for name in "ab" for index in range(3)]


@pytest.mark.parametrize(
    ("folders", "told"),
    [
        (["train/a", "train/b", "test/a", "unlabeled/x"], "has the splits test, train and, beside them, unlabeled"),
        (["train/a", "train/b", "val/a", "validation/b"], "has train, val, validation, two of which are one split"),
        (["test/a", "test/b"], "has test, but no train; put the images to train on there"),
        (["train/a", "train/b", "test/a", "test/c"], "has classes in its test split that its train split has not: c"),
    ],
)
def test_splits_that_cannot_be_meant_are_told(tmp_path: Path, folders: list[str], told: str) -> None:
    fill_classes(tmp_path / "given", folders)
    with pytest.raises(InputError, match=told):
        opened(tmp_path / "given")


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    fill_classes(tmp_path / "vehicles", ["bus", "car", "train"])
    assert opened(tmp_path / "vehicles").classes == ("bus", "car", "train")


def test_a_class_that_a_split_lacks_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill_classes(tmp_path / "given", ["train/a", "train/b", "test/a"])
    assert list(opened(tmp_path / "given").counts) == ["train", "test"]
    assert "The test split has no image of class 'b'." in own_messages(caplog)


def test_what_lies_deeper_belongs_to_the_class(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill_classes(tmp_path / "deep", ["a", "b/left", "b/right/far"])
    with caplog.at_level(logging.INFO):
        source = opened(tmp_path / "deep")
    assert (source.classes, source.counts) == (("a", "b"), {"train": 12})
    assert "Images that lie in folders inside of class folders belong to these classes (8)." in own_messages(caplog)
    read(source)
    assert "b/right/far/2.png" in source.facts().names["train"]


def test_a_link_to_an_image_is_one_and_a_link_to_a_folder_is_passed_over(tmp_path: Path) -> None:
    fill_classes(tmp_path / "linked", ["a", "b/deeper"])
    (tmp_path / "linked" / "a" / "again.png").symlink_to(tmp_path / "linked" / "b" / "deeper" / "0.png")
    (tmp_path / "linked" / "b" / "deeper" / "up").symlink_to(tmp_path / "linked" / "b", target_is_directory=True)
    source = opened(tmp_path / "linked")
    read(source)
    assert source.counts == {"train": 9}
    assert "a/again.png" in source.facts().names["train"]
    assert source.facts().passed_over == ("b/deeper/up",)


def test_what_is_no_image_is_counted_and_named(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(root)
    for name in ("cat/.DS_Store", "cat/._0.png", "dog/Thumbs.db", "dog/notes.txt", "README.md"):
        (root / name).write_bytes(b"BM or something")
    fill_classes(root, ["__MACOSX", ".cache", "dog/.git"])
    with caplog.at_level(logging.INFO):
        source = opened(root)
    passed = ["README.md", ".cache", "__MACOSX", "cat/.DS_Store", "cat/._0.png", "dog/.git", "dog/Thumbs.db"]
    assert source.classes == ("cat", "dog")
    assert sorted(source.facts().passed_over) == sorted([*passed, "dog/notes.txt"])
    (told,) = (message for message in own_messages(caplog) if message.startswith("Passed over"))
    assert told.startswith("Passed over, because they are no images, or lead to folders (8): ")
    assert "dog/notes.txt" in told


def test_images_beside_the_classes_are_told(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(root)
    Image.new("L", (SIDE, SIDE)).save(root / "cover.png")
    source = opened(root)
    assert source.facts().passed_over == ("cover.png",)
    assert source.counts == {"train": 10}
    (told,) = own_messages(caplog)
    assert told.startswith("Not used, because they lie in ")
    assert told.endswith(" beside the folders of the classes and belong to none (1): cover.png.")


def test_what_lies_beside_the_splits_is_told_too(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill_classes(tmp_path / "given", ["train/a", "train/b", "test/a", "test/b"])
    Image.new("L", (SIDE, SIDE)).save(tmp_path / "given" / "cover.png")
    Image.new("L", (SIDE, SIDE)).save(tmp_path / "given" / "test" / "lost.png")
    (tmp_path / "given" / "license.txt").write_text("free")
    with caplog.at_level(logging.INFO):
        source = opened(tmp_path / "given")
    assert sorted(source.facts().passed_over) == ["cover.png", "license.txt", "test/lost.png"]
    assert "Passed over, because they are no images, or lead to folders (1): license.txt." in own_messages(caplog)


def test_content_says_what_an_image_is(root: Path) -> None:
    fill(root, "RGB")
    for name, kind in (("a", "PNG"), ("b.dat", "JPEG"), ("c.x", "BMP"), ("d", "GIF"), ("e", "TIFF"), ("f", "WEBP")):
        Image.new("RGB", (SIDE, SIDE), (1, 2, 3)).save(root / "cat" / name, kind)
    Image.new("RGB", (SIDE, SIDE), (1, 2, 3)).save(root / "cat" / "g.png", "JPEG")
    source = opened(root)
    assert source.counts == {"train": 17}
    images, labels = read(source)
    assert (labels == 0).sum() == 12
    assert (np.abs(images[:, 0, 0].astype(int) - (1, 2, 3)) <= 3).all(axis=1).sum() == 7
    assert not source.facts().broken


def test_all_that_is_broken_is_named_at_once(tmp_path: Path) -> None:
    fill_classes(tmp_path / "broken", ["train/a", "train/b", "test/a", "test/b"], each=30)
    for split in ("train", "test"):
        for index in range(12):
            (tmp_path / "broken" / split / "a" / f"{index}.png").write_bytes(b"" if index else b"<html>404</html>")
    source = opened(tmp_path / "broken")
    read(source, "train")
    read(source, "test")
    with pytest.raises(InputError, match=r"24 of 120 images in .* cannot be read: .* and 4 more\. Repair") as error:
        source.facts()
    assert str(error.value).count(".png (") == 20


def test_a_photograph_in_a_format_that_is_not_read_is_not_passed_over(root: Path) -> None:
    fill(root)
    (root / "cat" / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    with pytest.raises(InputError, match=r"1 of 11 images in .* cannot be read: cat/phone\.HEIC"):
        prepare(root)


def test_what_is_broken_is_left_out_if_that_is_wanted(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(root, each=8)
    (root / "cat" / "3.png").write_bytes(b"")
    (root / "dog" / "5.png").unlink()
    (root / "dog" / "5.png").symlink_to(root / "nowhere")
    prepared = prepare(root, skip_broken=True)
    assert sum(prepared.examples.values()) == 14
    assert colours(prepared, 0) == {(10 + index,) for index in range(8) if index != 3}
    assert colours(prepared, 1) == {(200 + index,) for index in range(8) if index != 5}
    (told,) = (message for message in own_messages(caplog) if message.startswith("Left out"))
    assert told.startswith("Left out 2 images that cannot be read: ")
    source = opened(root, skip_broken=True)
    images, labels = read(source)
    facts = source.facts()
    assert sorted(facts.broken) == ["cat/3.png", "dog/5.png"]
    # The same place in all of them is the same example.
    for name, image, label in zip(facts.names["train"], images, labels, strict=True):
        assert name == f"{'cat' if label == 0 else 'dog'}/{int(image[0, 0, 0]) - (10, 200)[label]}.png"
    assert prepare(root, skip_broken=True) == prepared


def test_a_class_all_of_which_is_broken_is_told(root: Path) -> None:
    fill(root)
    for index in range(5):
        (root / "cat" / f"{index}.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"has no image to train on of class 'cat'; add some, or leave"):
        prepare(root, skip_broken=True)


def test_a_class_without_images_is_told(root: Path) -> None:
    fill(root)
    (root / "empty").mkdir()
    (root / "notes").mkdir()
    (root / "notes" / "notes.txt").write_text("no image")
    with pytest.raises(InputError, match=r"no image in the folder of class 'empty', 'notes'; put some in, or take"):
        prepare(root)
    assert opened(root, classes=("cat", "dog")).classes == ("cat", "dog")


def test_a_class_of_one_image_is_told(root: Path) -> None:
    fill(root)
    fill_classes(root, ["one"], each=1)
    with pytest.raises(InputError, match=r"one image of class 'one', which cannot be both trained and tested on; add"):
        prepare(root)
    assert opened(root, classes=("dog", "cat")).counts == {"train": 10}


def test_some_classes_alone(root: Path) -> None:
    fill(root)
    fill_classes(root, ["eel", "fox"])
    prepared = prepare(root, classes=("fox", "cat"))
    assert prepared.classes == ("cat", "fox")
    assert colours(prepared, 0) == {(10 + index,) for index in range(5)}
    assert colours(prepared, 1) == {(7 + index,) for index in range(4)}
    assert prepared.digest != prepare(root).digest
    with pytest.raises(InputError, match=r"no class 'foxx'; did you mean 'fox'\? It has: cat, dog, eel, fox"):
        prepare(root, classes=("cat", "foxx"))
    with pytest.raises(InputError, match=r"classes: received cat; there have to be at least 2"):
        prepare(root, classes=("cat",))


def test_images_that_are_not_square_fit_as_is_wanted(root: Path) -> None:
    fill(root)
    halves = np.repeat(np.array([[10, 10, 90, 90]], np.uint8), 8, axis=1).repeat(16, axis=0)  # 16 high, 32 wide
    Image.fromarray(halves).save(root / "cat" / "wide.png")
    pictures = {}
    for fit in ("stretch", "crop", "pad"):
        prepared = prepare(root, fit=fit)
        images = np.load(prepared.directory / "images.npy")[..., 0]
        (pictures[fit],) = (image for image in images if len(np.unique(image)) > 1)
    assert len(np.unique(pictures["pad"][:4])) == 1
    assert pictures["pad"][0, 0] == 0
    assert (pictures["pad"][4:12, :7] == 10).all()
    assert (pictures["stretch"][:, :7] == 10).all()
    assert (pictures["crop"][:, :8] == 10).all()
    assert (pictures["crop"][:, 8:] == 90).all()


def test_sizes_and_profiles_are_known_after_reading(root: Path) -> None:
    fill(root)
    Image.new("L", (50, 7), 99).save(root / "cat" / "wide.png", icc_profile=b"some profile")
    source = opened(root)
    read(source)
    facts = source.facts()
    assert facts.icc_profiles == 1
    assert facts.sizes.shape == (11, 2)
    assert facts.sizes[facts.names["train"].index("cat/wide.png")].tolist() == [50, 7]
    assert facts.groups == {}


def test_a_block_takes_so_many_bytes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(root)
    whole = read(opened(root))
    monkeypatch.setattr("tasks.sources.images.BLOCK_BYTES", 3 * SIDE * SIDE)
    assert [len(labels) for _, labels in opened(root).blocks["train"](SIDE)] == [3, 3, 3, 1]
    for one, other in zip(whole, read(opened(root)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_broken_image_is_named_and_nothing_is_left(root: Path, tmp_path: Path) -> None:
    fill(root)
    whole = (root / "dog" / "3.png").read_bytes()
    (root / "dog" / "3.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"1 of 10 images in .* cannot be read: dog/3\.png \(.*\)\. Repair"):
        prepare(root)
    assert [path for path in (tmp_path / "data").iterdir() if path.is_dir()] == []


def test_what_is_no_image_is_named(root: Path) -> None:
    fill(root)
    (root / "cat" / "text.jpg").write_text("not an image")
    with pytest.raises(InputError, match=r"1 of 11 images in .* cannot be read: cat/text\.jpg \(its content is none"):
        prepare(root)


def test_a_dangling_link_is_named(root: Path) -> None:
    fill(root)
    (root / "cat" / "gone.png").symlink_to(root / "nowhere.png")
    with pytest.raises(InputError, match=r"1 of 11 images in .* cannot be read: cat/gone\.png \(No such file"):
        prepare(root)


def test_what_is_called_as_an_image_and_is_no_file_is_passed_over(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(root)
    os.mkfifo(root / "cat" / "pipe.png")  # of which nothing would ever be read
    with caplog.at_level(logging.INFO):
        assert sum(prepare(root).examples.values()) == 10
    assert "Passed over, because they are no images, or lead to folders (1): cat/pipe.png." in own_messages(caplog)


def test_a_name_is_told_on_one_line_and_changes_no_terminal(tmp_path: Path) -> None:
    for name in ("a\nb", "c \u202f\u732b"):  # an end of a line; a space of a Mac's screenshots, which is harmless
        (tmp_path / "set" / name).mkdir(parents=True)
        for index in range(3):
            Image.new("L", (SIDE, SIDE), index).save(tmp_path / "set" / name / f"\x1b[31m{index}.png")
    prepared = prepare(tmp_path / "set")
    assert prepared.classes == ("a\\nb", "c \u202f\u732b")
    names = prepared.names("train")
    assert names is not None
    assert {name.rpartition("/")[2] for name in names} <= {f"\\x1b[31m{index}.png" for index in range(3)}


def test_a_class_that_is_not_used_need_not_be_trained_on(tmp_path: Path) -> None:
    for place in ("train/a", "train/b", "train/d", "test/a", "test/b", "test/c"):
        (tmp_path / "set" / place).mkdir(parents=True)
        for index in range(3):
            Image.new("L", (SIDE, SIDE), index).save(tmp_path / "set" / place / f"{index}.png")
    prepared = prepare(tmp_path / "set", classes=("a", "b"))
    assert (prepared.classes, prepared.examples["test"]) == (("a", "b"), 6)
    with pytest.raises(InputError, match=r"has classes in its test split that its train split has not: c;"):
        prepare(tmp_path / "set")


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
    with pytest.raises(
        InputError, match=r"10 of 10 images .*dog/4\.png \(it is enormous, of more than 85 pixels: make"
    ):
        prepare(root)


def test_a_missing_folder_is_named(root: Path) -> None:
    with pytest.raises(InputError, match=r"there is no folder '.*nowhere'"):
        prepare(root / "nowhere")

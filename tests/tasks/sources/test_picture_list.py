"""Pictures that are meant by files, folders and CSVs, and the labels that these give them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from tasks.foundation.errors import InputError
from tasks.sources.picture_list import given_paths, list_pictures


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def put(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4)).save(name, format="PNG")


def listed(*given: str, classes: tuple[str, ...] = ("cat", "dog")) -> tuple[dict[str, str], list[str]]:
    """Each picture's path and label, in their order, and the remarks."""
    found = list_pictures(given_paths(given), classes)
    return {str(picture.path): picture.label for picture in found.pictures}, found.remarks


def test_files_and_folders_are_taken_in_the_order_in_which_they_are_given() -> None:
    put("b.png", "pets/10.png", "pets/9.png", "pets/old/1.png", "a.png")
    found, remarks = listed("b.png", "pets", "a.png")
    assert list(found) == ["b.png", "pets/9.png", "pets/10.png", "pets/old/1.png", "a.png"]
    assert set(found.values()) == {""}
    assert remarks == [
        "The images in pets are taken without labels, for its folders (old) are none of the model's classes."
    ]


def test_a_folder_whose_subfolders_are_classes_is_labelled_by_all_of_them() -> None:
    put("pets/cat/1.png", "pets/cat/deep/2.png", "pets/ant/3.png", "pets/4.png", "pets/.hidden/5.png")
    Path("pets/cat/notes.txt").write_text("no image")
    found, remarks = listed("pets")
    assert found == {"pets/4.png": "", "pets/ant/3.png": "ant", "pets/cat/1.png": "cat", "pets/cat/deep/2.png": "cat"}
    assert remarks == [
        "The images in pets are labelled by the folders that they lie in.",
        "Passed over, because they are no images, or lead to folders (2): .hidden, cat/notes.txt.",
    ]


def test_a_link_that_leads_back_is_passed_over_and_nothing_is_found_twice() -> None:
    put("pets/cat/1.png", "others/2.png")
    Path("pets/loop").symlink_to(".", target_is_directory=True)
    Path("pets/up").symlink_to("..", target_is_directory=True)
    Path("pets/ant").symlink_to("../others", target_is_directory=True)
    found, remarks = listed("pets")
    assert found == {"pets/ant/2.png": "ant", "pets/cat/1.png": "cat"}
    assert remarks[1] == "Passed over, because they are no images, or lead to folders (2): loop, up."


def test_an_accent_is_the_same_however_it_is_written() -> None:
    put("mine/e\N{COMBINING ACUTE ACCENT}te\N{COMBINING ACUTE ACCENT}/1.png")
    found, _ = listed("mine", classes=("été", "hiver"))
    assert list(found.values()) == ["été"]


def test_a_csv_names_files_and_may_label_them() -> None:
    put("scans/one, two.png", "scans/b.png", "scans/c.png")
    Path("scans/list.csv").write_text('Label,FILE,more\ncat,"one, two.png",x\n,.\\b.png,\nant,missing.png,\n')
    found, remarks = listed("scans/list.csv")
    assert remarks == ["Without a label in scans/list.csv, and so not judged: 1 picture."]
    assert found == {"scans/one, two.png": "cat", "scans/b.png": "", "scans/missing.png": "ant"}
    Path("scans/bare.csv").write_text(f"file\n{Path('scans/c.png').absolute()}\n")
    found, remarks = listed("scans/bare.csv")
    assert (list(found), remarks) == ([str(Path("scans/c.png").absolute())], [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "name,label\na.png,cat\n",
            r"images: 'list.csv' has no column file \(it has name, label\); its first line has",
        ),
        (
            "file;label\n",
            "separated by semicolons; save it with commas: its first line has to be file and, if wanted, l",
        ),
        ("file,label\n,cat\n", "images: 'list.csv': line 2 names no file; name one, or take the line away"),
        ("file\n", "images: there is no image in 'list.csv'"),
    ],
)
def test_a_csv_that_cannot_be_meant_is_told(text: str, told: str) -> None:
    Path("list.csv").write_text(text)
    with pytest.raises(InputError, match=told):
        listed("list.csv")


def test_all_that_is_not_there_is_told_at_once() -> None:
    put("a.png")
    with pytest.raises(InputError, match=r"images: there is no file or folder 'b.png', 'pets'; give what is there"):
        given_paths(["a.png", "b.png", "pets"])
    for given in ([], [""], ["a.png", ""]):
        with pytest.raises(InputError, match="images: received nothing; give image files, folders of images, or CSVs"):
            given_paths(given)
    Path("empty").mkdir()
    with pytest.raises(InputError, match="images: there is no image in 'empty'"):
        listed("empty")


def test_a_name_is_text_whatever_its_bytes_are() -> None:
    put("pets/plain.png")
    Path("pets/plain.png").rename(os.fsdecode(b"pets/\xff \n\xc3\xa9.png"))
    (picture,) = list_pictures([Path("pets")], ("cat", "dog")).pictures
    assert picture.name == "pets/\\xff \né.png"
    assert picture.path.exists()

"""A CSV that names images: what it may hold, and what is said where it cannot be meant."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.data.prepared import PreparedDataset
from tasks.dataset import prepare_dataset
from tasks.foundation.errors import InputError
from tasks.sources.catalogue import identify, open_source
from tasks.sources.images import Reading, Source
from tests.support.log import own_messages

SIDE = 16


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of twelve pictures, 0.png to 11.png, each of the grey level that its number is."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "study of cats"
    (root / "scans").mkdir(parents=True)
    for number in range(12):
        Image.new("L", (SIDE, SIDE), number).save(root / "scans" / f"{number}.png")
    return root


def write(root: Path, lines: list[str], header: str = "file,label", encoding: str = "utf-8", end: str = "\n") -> Path:
    table = root / "labels.csv"
    table.write_bytes((end.join([header, *lines]) + end).encode(encoding))
    return table


def labelled(names: tuple[str, ...] = ("cat", "dog"), more: str = "") -> list[str]:
    return [f"scans/{number}.png,{names[number % len(names)]}{more}" for number in range(12)]


def opened(table: Path, **reading: Any) -> Source:
    return open_source(f"csv:{table}", data_dir=None, download=False, reading=Reading(**reading))


def prepare(table: Path, **changes: Any) -> PreparedDataset:
    return prepare_dataset.fn(f"csv:{table}", **{"image_size": SIDE, "validation_fraction": 0.2, **changes})


def read(source: Source, split: str = "train") -> dict[int, int]:
    """The label of each picture, by its number."""
    images, labels = (np.concatenate(part) for part in zip(*source.blocks[split](SIDE), strict=True))
    return dict(zip(images[:, 0, 0, 0].tolist(), labels.tolist(), strict=True))


def test_each_file_has_the_label_that_its_line_says(root: Path) -> None:
    source = opened(write(root, labelled()))
    assert (source.classes, source.channels, source.counts) == (("cat", "dog"), 1, {"train": 12})
    assert read(source) == {number: number % 2 for number in range(12)}
    facts = source.facts()
    assert sorted(facts.names["train"]) == sorted(f"scans/{number}.png" for number in range(12))
    assert facts.groups == {}
    assert prepare(write(root, labelled())).examples == {"train": 8, "validation": 2, "test": 2}


@pytest.mark.parametrize("names", [("1", "2", "10"), ("犬", "猫"), ("a b", "été"), ("Apfel, rot", 'the "best"')])
def test_classes_lie_in_the_same_order_as_in_a_folder(root: Path, tmp_path: Path, names: tuple[str, ...]) -> None:
    lines = []
    for number in range(12):
        name = names[number % len(names)]
        folder = tmp_path / "folders" / name
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / "scans" / f"{number}.png", folder)
        quoted = name.replace('"', '""')
        lines.append(f'scans/{number}.png,"{quoted}"')
    by_table, by_folder = (
        prepare(write(root, lines)),
        prepare_dataset.fn(f"folder:{tmp_path / 'folders'}", image_size=SIDE, validation_fraction=0.2),
    )
    assert by_table.classes == by_folder.classes == names
    assert by_table.digest == by_folder.digest  # to the last pixel, label and split


def test_splits_and_groups(root: Path) -> None:
    splits = {number: ("train", "val", "Test", "validation")[number // 3] for number in range(12)}
    lines = [
        f"scans/{number}.png,{'cat' if number % 2 else 'dog'},{splits[number]},{'' if number == 4 else number // 2}"
        for number in range(12)
        if number % 3 < 2
    ]
    source = opened(write(root, lines, "file,label,split,group"))
    assert list(source.counts.items()) == [("train", 2), ("validation", 4), ("test", 2)]
    assert set(read(source, "validation")) == {3, 4, 9, 10}
    read(source, "test")
    facts = source.facts()
    groups = dict(zip(facts.names["validation"], facts.groups["validation"], strict=True))
    assert groups == {"scans/3.png": "1", "scans/4.png": "", "scans/9.png": "4", "scans/10.png": "5"}


@pytest.mark.parametrize(
    ("end", "encoding", "separator"), [("\r\n", "utf-8", "/"), ("\n", "utf-8-sig", "/"), ("\r\n", "utf-8-sig", "\\")]
)
def test_what_windows_writes_is_read(root: Path, end: str, encoding: str, separator: str) -> None:
    lines = [line.replace("/", separator) for line in labelled(("chat", "été"))]
    source = opened(write(root, ["", *lines, "", ""], "File, Label", encoding, end))
    assert source.classes == ("chat", "été")
    assert read(source) == {number: number % 2 for number in range(12)}


def test_a_path_may_be_quoted_and_may_be_absolute(root: Path) -> None:
    (root / "scans" / "0.png").rename(root / "scans" / "one, two.png")
    lines = ['"scans/one, two.png",cat', *labelled()[1:11], f"{root}/scans/11.png,dog"]
    source = opened(write(root, lines))
    assert read(source) == {number: number % 2 for number in range(12)}
    assert "scans/11.png" in source.facts().names["train"]


def test_other_columns_are_told(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = write(root, labelled(more=",2024"), "file,label,year")
    with caplog.at_level(logging.INFO):
        opened(table).identity()
    assert own_messages(caplog).count(f"Of {table} the columns year are not used.") == 1


@pytest.mark.parametrize(
    ("header", "lines", "told"),
    [
        ("file,label", ["scans/0.png,cat", "scans/1.png,"], r"the label is missing; .*: line 3 \(scans/1\.png\)$"),
        ("file,label", ["scans/0.png,cat", ",dog"], r"no file is named; .*: line 3 \(no file\)$"),
        ("file,label", ["scans/0.png,cat", "scans/x.png,dog"], r"no such file; paths are relative.*: line 3 \(scans/x"),
        ("file,label", ["../0.png,cat", "scans/1.png,dog"], r"outside of the CSV's folder; put the CSV above.*line 2"),
        ("file,label", ["/etc/0.png,cat", "scans/1.png,dog"], r"outside of the CSV's folder; .*line 2 \(/etc/0\.png"),
        ("file,label", [r"C:\cats\0.png,cat", "scans/1.png,dog"], r"outside of the CSV's folder; .*line 2 \(C:"),
        (
            "file,label",
            ["scans/0.png,cat", "scans/1.png,dog", "scans/../scans/0.png,dog"],
            r"a file is named more than once; leave one line for each: scans/0\.png \(lines 2, 4\)$",
        ),
        ("file,label,split", ["scans/0.png,cat,train", "scans/1.png,dog,dev"], r"none of train, validation.*line 3"),
        ("file,label,split", ["scans/0.png,cat,train", "scans/1.png,dog,"], r"none of train, validation.*line 3"),
        ("file,label,split", ["scans/0.png,cat,test", "scans/1.png,dog,test"], "no line with the split train; there"),
        (
            "file,label,split",
            ["scans/0.png,cat,train", "scans/1.png,dog,train", "scans/2.png,eel,test"],
            r"has labels in its test split that its train split has not: eel; give",
        ),
        (
            "file,label,split,group",
            ["scans/0.png,cat,train,Ann", "scans/1.png,dog,test,Ann"],
            r"a group lies in more than one split; give all of its images the same: Ann \(test, train\)$",
        ),
        (
            "path,label",
            ["scans/0.png,cat"],
            r"has no column file \(it has path, label\); its first line has to be file",
        ),
        ("scans/0.png,cat", [], r"has no column file and none label \(it has scans/0\.png, cat\)"),
        ("file;label", ["scans/0.png;cat"], "is separated by semicolons; save it with commas: its first line has"),
        ("file\tlabel", ["scans/0.png\tcat"], "is separated by tabs"),
        ("", [], r"has no column file and none label \(it is empty\)"),
        ("file,label", [], "has no line below its header; give a line for each image"),
        ("file,label,label", ["scans/0.png,cat,cat"], "has two columns label"),
        ("file,label", ["scans/0.png,cat,black"], r"line 2 has 3 cells, but the header has 2; put a cell that has a"),
        ("file,label", ['scans/0.png,"cat'], r"is no CSV \(.*\); save it with commas and double quotes"),
        ("file,label", ["scans/0.png,cat", "scans/1.png,cat"], r"has 1 label \(cat\); there have to be at least 2"),
        (
            "file,label",
            ["scans/0.png,cat", "scans/1.png,cat", "scans/2.png,dog"],
            r"has one image of class 'dog', which cannot be both trained and tested on; add more",
        ),
    ],
)
def test_what_cannot_be_meant_is_told(root: Path, header: str, lines: list[str], told: str) -> None:
    table = write(root, lines, header)
    with pytest.raises(InputError, match=told):
        opened(table)


def test_all_faults_are_told_at_once(root: Path) -> None:
    lines = [*labelled(), *(f"scans/gone {number}.png,cat" for number in range(30)), "../up.png,", "scans/3.png,dog"]
    with pytest.raises(InputError) as error:
        opened(write(root, lines))
    told = str(error.value).splitlines()
    assert len(told) == 4
    assert told[0].count("scans/gone") == 20
    assert told[0].endswith(" and 10 more")


def test_other_encodings_are_told(root: Path) -> None:
    for encoding in ("latin-1", "utf-16"):
        with pytest.raises(InputError, match=r"labels\.csv' is not written in UTF-8 \(.*\); save it so"):
            opened(write(root, labelled(("chat", "été")), encoding=encoding))


def test_a_csv_that_is_not_there_is_told(root: Path) -> None:
    for name in (root / "no.csv", root):
        with pytest.raises(InputError, match=r"received 'csv:.*', but there is no file .*; give an existing one"):
            opened(name)


def test_other_labels_or_other_images_are_other_data(root: Path) -> None:
    table = write(root, labelled())
    first = identify(f"csv:{table}", None)
    write(root, labelled(("dog", "cat")))
    second = identify(f"csv:{table}", None)
    Image.new("L", (SIDE, SIDE), 99).save(root / "scans" / "0.png")
    assert len({first, second, identify(f"csv:{table}", None)}) == 3


def test_some_classes_alone_and_broken_images(root: Path) -> None:
    table = write(root, labelled(("cat", "dog", "eel")))
    (root / "scans" / "0.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"1 of 8 images in .* cannot be read: scans/0\.png \(it is empty\)"):
        prepare(table, classes=("cat", "eel"))
    assert sum(prepare(table, classes=("cat", "eel"), skip_broken=True).examples.values()) == 7
    assert sum(prepare(table, classes=("dog", "eel")).examples.values()) == 8

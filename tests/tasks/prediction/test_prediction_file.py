"""Predictions written down: read back whatever is in a name, and whole or not there."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import pytest

from tasks.foundation.errors import InputError, StorageError
from tasks.prediction.prediction_file import COLUMNS, json_object, prediction_file, require_writable
from tasks.prediction.predictions import Guess, Prediction
from tasks.sources.picture_list import Picture

NAMES = (
    "plain.png",
    'a, "b".png',
    "two\nlines.png",
    "carriage\rreturn.png",
    "été ☃.png",
    "\udcff\udcc3.png",
    " x .png",
)
BEST = (Guess('cat, "big"', 0.75), Guess("dog", 0.25))


def predictions() -> list[Prediction]:
    read = [Prediction(Picture(Path(name), label="dog"), BEST) for name in NAMES]
    return [*read, Prediction(Picture(Path("broken.png")), reason="it is empty")]


def names() -> list[str]:
    return [*NAMES[:5], r"\xff\xc3.png", NAMES[6], "broken.png"]


def write(path: Path) -> None:
    with prediction_file(path) as one:
        for prediction in predictions():
            one(prediction)


def test_a_csv_holds_every_name_and_every_number(tmp_path: Path) -> None:
    write(path := tmp_path / "said.csv")
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    assert [row[0] for row in rows] == names()
    assert rows[0][1:] == ['cat, "big"', "0.75", "dog", "0.25", "", "", "dog", ""]
    assert rows[-1][1:] == ["", "", "", "", "", "", "", "it is empty"]
    assert list(tmp_path.iterdir()) == [path]


def strict(text: str) -> Any:
    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is no JSON")

    assert text.isascii()
    return json.loads(text, parse_constant=refuse)


def test_json_lines_are_strict(tmp_path: Path) -> None:
    write(path := tmp_path / "said.JSONL")
    rows = [strict(line) for line in path.read_text().splitlines()]
    assert [row["file"] for row in rows] == names()
    assert rows[0] == {
        "file": "plain.png",
        "label": "dog",
        "class": 'cat, "big"',
        "probability": 0.75,
        "next": [{"class": "dog", "probability": 0.25}],
    }
    assert rows[-1] == {"file": "broken.png", "error": "it is empty"}


def test_one_object_holds_all_of_them_and_what_they_come_to() -> None:
    about: dict[str, Any] = {"model": "a run"}
    with json_object(file := io.StringIO(), about) as write:
        for prediction in predictions():
            write(prediction)
        about["images"] = 8
    said = strict(file.getvalue())
    assert [row["file"] for row in said["predictions"]] == names()
    assert (said["model"], said["images"]) == ("a run", 8)


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_number_that_is_none_is_null(number: float) -> None:
    with json_object(file := io.StringIO(), {"model": "a run"}) as write:
        write(Prediction(Picture(Path("a.png")), (Guess("cat", number), Guess("dog", 0.5))))
    assert strict(file.getvalue())["predictions"][0]["probability"] is None


def test_what_was_there_stays_if_it_is_not_finished(tmp_path: Path) -> None:
    (path := tmp_path / "said.csv").write_text("before")

    def break_off() -> None:
        with prediction_file(path) as one:
            one(predictions()[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("said.csv", "before")]


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "said.csv.unfinished").mkdir()
    with pytest.raises(StorageError, match=r"cannot write '.*said.csv': Is a directory; make room"):
        write(tmp_path / "said.csv")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("said.txt", r"output: received '.*said.txt'; allowed: a file that ends with .csv or .jsonl"),
        ("list.csv", r"output: '.*list.csv' is what is to be predicted; give another file"),
        ("no/said.csv", r"output: there is no folder '.*no' for 'said.csv'; make it, or give another"),
    ],
)
def test_a_file_that_cannot_be_meant_is_told_beforehand(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "list.csv").touch()
    given = [tmp_path / ".." / tmp_path.name / "list.csv"]
    require_writable(tmp_path / "said.csv", given)
    with pytest.raises(InputError, match=told):
        require_writable(tmp_path / name, given)

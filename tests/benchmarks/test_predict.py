"""Prediction is held against preparation and evaluation, with times that are made up; the pictures are real files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks import predict as predict_benchmark
from benchmarks.programs import pictures
from tests.support.plans import Spoken


@pytest.mark.parametrize(("ours", "met"), [(2.4, True), (2.5, False)])
def test_the_time_is_held_against_preparing_and_evaluating(
    monkeypatch: pytest.MonkeyPatch,
    ours: float,
    met: bool,  # noqa: FBT001 - a table of cases
) -> None:
    commands: list[list[str]] = []

    def answer(command: list[str], _home: Path, **_: str) -> Any:
        if "train" in command:
            return {"run_id": "a run"}
        commands.append(command)
        return (ours, 3.0) if command[1].endswith("predict_folder") else (2.0, 2.0)

    def written(command: list[str], _home: Path, **_: str) -> Any:
        pictures.write(Path(command[2]) / "test", 1)

    monkeypatch.setattr(predict_benchmark, "answer_of", answer)
    monkeypatch.setattr(predict_benchmark, "run", written)
    monkeypatch.setattr(predict_benchmark, "seconds_of", lambda command, *_, **__: float(command[-2] == "a run"))
    result = predict_benchmark.predict((spoken := Spoken()).plan(rounds=2))
    assert result.met() is met
    assert result.ratios[1].values == [1.5, 1.5]
    assert result.ratios[1].target() == ""
    assert [figure.values for figure in result.figures][-1] == [1.0, 1.0]
    programs = [command[1].rpartition(".")[2] for command in commands]
    assert programs == ["predict_folder", "evaluate_folder"] * 2
    assert {command[2] for command in commands} == {"a run"}
    assert len(spoken) == 3


def test_pictures_lie_in_ten_classes_and_are_all_different(tmp_path: Path) -> None:
    pictures.write(tmp_path, 40)
    files = sorted(tmp_path.rglob("*.png"))
    assert {path.parent.name for path in files} == {f"digit {label}" for label in range(10)}
    contents = set()
    for path in files:
        with Image.open(path) as image:
            assert (image.format, image.size, image.mode) == ("PNG", (28, 28), "L")
            contents.add(image.tobytes())
    assert len(contents) == 40

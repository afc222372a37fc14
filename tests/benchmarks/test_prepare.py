"""The preparation of photographs is held against Keras, with times that are made up; the photographs are real files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from benchmarks import prepare as prepare_benchmark
from benchmarks.programs import photographs
from tests.support.plans import Spoken


@pytest.mark.parametrize(("ours", "met"), [(2.6, True), (2.8, False)])
def test_the_time_is_held_against_keras_and_the_work_is_told(
    monkeypatch: pytest.MonkeyPatch,
    ours: float,
    met: bool,  # noqa: FBT001 - a table of cases
) -> None:
    commands: list[list[str]] = []

    def answer(command: list[str], _home: Path, **_: str) -> tuple[float, float]:
        commands.append(command)
        return (ours, 3.0) if command[1].endswith("prepare_folder") else (2.7, 2.0)

    def written(command: list[str], _home: Path, **_: str) -> Any:
        Path(command[2]).mkdir()

    monkeypatch.setattr(prepare_benchmark, "answer_of", answer)
    monkeypatch.setattr(prepare_benchmark, "run", written)
    result = prepare_benchmark.prepare((spoken := Spoken()).plan(rounds=2))
    assert result.met() is met
    assert [figure.name for figure in result.figures] == [
        *("pipeline", "Keras", "pipeline, processors", "Keras, processors")
    ]
    assert result.ratios[1].values == [1.5, 1.5]
    assert result.ratios[1].target() == ""
    assert [command[1].rpartition(".")[2] for command in commands] == ["prepare_folder", "keras_folder"] * 2
    assert len(spoken) == 3


def test_a_photograph_is_like_one(tmp_path: Path) -> None:
    (tmp_path / "class 1").mkdir()
    photographs.write(tmp_path, 7)
    file = tmp_path / "class 1" / "7.jpg"
    with Image.open(file) as image:
        assert (image.format, image.size, image.mode) == ("JPEG", (640, 480), "RGB")
    assert 50_000 < file.stat().st_size < 200_000

"""A comparison is measured in turn with the plain script, with times that are made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import compare
from tests.support.plans import Spoken, mnist


@pytest.mark.parametrize(("two_workers", "met"), [(100.0, [True, True]), (130.0, [False, False])])
def test_compare_measures_in_turn_each_in_an_empty_place(
    monkeypatch: pytest.MonkeyPatch, two_workers: float, met: list[bool]
) -> None:
    order = []

    def seconds(command: list[str], home: Path, *, TFDS_DATA_DIR: str) -> float:  # noqa: N803 - as it is called
        assert (list(home.iterdir()), TFDS_DATA_DIR) == ([], "the data")
        name = "plain" if "flows" not in command else command[-1]
        order.append(name)
        return {"plain": 300.0, "1": 160.0, "2": two_workers}[name]

    monkeypatch.setattr(compare, "seconds_of", seconds)
    monkeypatch.setattr(compare, "mnist", mnist)
    result = compare.compare((spoken := Spoken()).plan())
    assert order == ["plain", "1", "2"] * 2
    assert [ratio.met() for ratio in result.ratios] == met
    assert result.notes == ["a note on the data"]
    assert spoken[-1] == f"round 2 of 2: 2 workers: {two_workers:.0f} s"

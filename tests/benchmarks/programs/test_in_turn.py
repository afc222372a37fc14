"""The pipeline and the floor take the same blocks in turn, and each is given its own time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from benchmarks.programs import in_turn


@pytest.mark.slow
@pytest.mark.usefixtures("workplace")
def test_the_floor_takes_as_many_examples_as_the_pipeline_and_its_time_is_not_the_pipelines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(in_turn.DATASETS, "lenet", "digits")
    blocks: list[int] = []

    def floor_blocks(network: str, optimizer: str) -> Callable[[int], None]:
        assert (network, optimizer) == ("lenet", "adam")
        block = original(network, optimizer)

        def slow(examples: int) -> None:
            blocks.append(examples)
            time.sleep(0.5)
            block(examples)

        return slow

    original = in_turn.floor_blocks
    monkeypatch.setattr(in_turn, "floor_blocks", floor_blocks)
    taken = in_turn.main("lenet", "adam", 2)
    assert blocks == [1024, 414] * 2  # of 45 steps in an epoch
    assert taken["floor"] >= 1000 / 45
    assert 0 < taken["pipeline"] < taken["floor"]

"""What is measured, in which order and by which targets, with times that are made up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import compare, overhead, step
from benchmarks import help as help_benchmark
from benchmarks.plan import Plan
from benchmarks.step import figures_and_ratios


class Spoken(list[str]):
    """What was said of the progress."""

    def plan(self, rounds: int = 2) -> Plan:
        return Plan(rounds, self.append)


@contextmanager
def mnist(_plan: Plan) -> Iterator[tuple[str, str]]:
    yield "the data", "a note on the data"


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


@pytest.mark.parametrize(("first", "again", "met"), [(15.0, 12.5, [True, True]), (15.1, 12.6, [False, False])])
def test_overhead_holds_the_first_run_and_the_next_against_the_bare_script(
    monkeypatch: pytest.MonkeyPatch, first: float, again: float, met: list[bool]
) -> None:
    order, running = [], []

    def seconds(command: list[str], home: Path, **changes: str) -> float:
        name = "again" if changes else "first" if "flows" in command else "bare"
        assert (name == "again") is bool(running)
        assert running or list(home.iterdir()) == []
        order.append(name)
        return {"bare": 10.0, "first": first, "again": again}[name]

    @contextmanager
    def server(_home: Path) -> Iterator[str]:
        running.append(url := "http://api")
        yield url
        running.clear()

    monkeypatch.setattr(overhead, "seconds_of", seconds)
    monkeypatch.setattr(overhead, "_prefect_server", server)
    result = overhead.overhead(Spoken().plan())
    assert order == ["bare", "first", "again", "again"] * 2
    assert [ratio.met() for ratio in result.ratios] == met


@pytest.mark.parametrize(("seconds", "met"), [(0.9, True), (1.1, False)])
def test_help_is_held_against_a_second(
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    met: bool,  # noqa: FBT001 - a table of cases
) -> None:
    monkeypatch.setattr(help_benchmark, "seconds_of", lambda *_: seconds)
    assert help_benchmark.help_text(Spoken().plan()).met() is met


def test_step_holds_the_cpu_to_its_targets_and_only_tells_of_a_gpu() -> None:
    times = {"pipeline": [2.4, 2.4], "floor": [2.0, 2.0], "plain script": [4.0, 4.0]}
    measured = {(device, "adam", name): values for device in ("CPU", "GPU") for name, values in times.items()}
    figures, ratios = figures_and_ratios(measured)
    assert [figure.name for figure in figures[:2]] == ["CPU, adam, pipeline", "CPU, adam, floor"]
    assert {ratio.name: (ratio.values[0], ratio.met()) for ratio in ratios} == {
        "CPU, adam: pipeline / floor": (pytest.approx(1.2), False),
        "CPU, adam: plain script / pipeline": (pytest.approx(1.667, rel=1e-3), False),
        "GPU, adam: pipeline / floor": (pytest.approx(1.2), True),
        "GPU, adam: plain script / pipeline": (pytest.approx(1.667, rel=1e-3), True),
    }


@pytest.mark.parametrize(("gpus", "devices"), [([], ["CPU"]), (["/physical_device:GPU:0"], ["CPU", "GPU"])])
def test_step_measures_on_a_gpu_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, gpus: list[str], devices: list[str]
) -> None:
    hidden = []

    def answer(command: list[str], _home: Path, **changes: str) -> float | list[str]:
        if command[0] == "-c":
            return gpus
        hidden.append("CUDA_VISIBLE_DEVICES" in changes)
        return 2.0

    monkeypatch.setattr(step, "answer_of", answer)
    monkeypatch.setattr(step, "mnist", mnist)
    result = step.step((spoken := Spoken()).plan(rounds=1))
    assert list(dict.fromkeys(figure.name.partition(",")[0] for figure in result.figures)) == devices
    assert hidden == [True] * 9 + [False] * 9 * (len(devices) - 1)
    assert ("no GPU" in result.notes[0]) is (not gpus)
    assert len(spoken) == 9 * len(devices)

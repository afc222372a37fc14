"""The arithmetic of `growth`, with figures that are made up."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import pytest

from benchmarks import growth_images, growth_store, growth_trials
from benchmarks.growth_images import measure_images
from benchmarks.growth_store import measure_store
from benchmarks.growth_trials import measure_trials, seconds_a_trial
from benchmarks.plan import Plan
from benchmarks.process import Ended
from benchmarks.result import Ratio


def plan(rounds: int = 1) -> Plan:
    return Plan(rounds, lambda _: None)


def trial_lines(times: list[float]) -> tuple[tuple[float, str], ...]:
    done = [(time, f"Trial {place} of {len(times)}: adam: done") for place, time in enumerate(times, 1)]
    return (1.0, "Comparing 2 optimizers"), *done, (100.0, "Best: adam after Trial 1 of 2: ")


def test_the_first_trial_of_each_worker_does_not_count() -> None:
    assert seconds_a_trial(trial_lines([40.0, 50.0, 52.0, 54.0, 59.0])) == 3.0
    with pytest.raises(RuntimeError, match="printed 2 lines of trials; more than 2 are needed"):
        seconds_a_trial(trial_lines([40.0, 50.0]))


@pytest.mark.parametrize(("slowing", "met"), [(1.0, [True, True]), (1.1, [True, True]), (1.2, [False, False])])
def test_trials_must_not_take_longer_in_a_larger_comparison(
    monkeypatch: pytest.MonkeyPatch, slowing: float, met: list[bool]
) -> None:
    seconds = {"2": 2.0, "8": 2.0 * slowing, "32": 2.0 * slowing**2}  # by the seeds
    asked = []

    def ran(arguments: list[str], home: Path) -> Ended:
        assert list(home.iterdir()) == []
        seeds = arguments[arguments.index("--seeds") + 1]
        asked.append(seeds)
        return Ended(99, trial_lines([place * seconds[seeds] for place in range(2 * int(seeds))]), 0, 0)

    monkeypatch.setattr(growth_trials, "run", ran)
    figures, ratios = measure_trials(plan(rounds=2))
    assert asked == ["2", "8", "32"] * 2
    assert [figure.values for figure in figures] == [pytest.approx([value] * 2) for value in seconds.values()]
    assert [ratio.values for ratio in ratios] == [pytest.approx([slowing] * 2)] * 2
    assert [ratio.met() for ratio in ratios] == met


@pytest.mark.parametrize(("slowest", "met"), [(9.9, True), (10.1, False)])
def test_the_report_of_the_most_runs_is_held_against_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
    slowest: float,
    met: bool,  # noqa: FBT001 - a table of cases
) -> None:
    def answer(arguments: list[str], home: Path) -> Any:
        if arguments[1].endswith("stored"):
            (home / "size").write_text(arguments[2])
            return f"study {arguments[2]}"
        return int((home / "size").read_text()) / 10

    def seconds(arguments: list[str], home: Path) -> float:
        size = (home / "size").read_text()
        assert arguments == ["-m", "flows", "report", f"study {size}"]
        return {"10": 1.0, "100": 2.0, "1000": slowest}[size]

    monkeypatch.setattr(growth_store, "answer_of", answer)
    monkeypatch.setattr(growth_store, "seconds_of", seconds)
    figures, ratios = measure_store(plan())
    assert [figure.values for figure in figures] == [[1.0], [2.0], [slowest], [1.0], [10.0], [100.0]]
    assert [ratio.met() for ratio in ratios] == [met, True]
    assert ratios[1].values == [100.0]


@pytest.mark.parametrize(
    ("grown", "missed"),
    [
        ({}, set()),
        ({"seconds": 1.2}, {"preparing"}),
        ({"private": 1.2}, {"preparing, private memory", "training, private memory"}),
        ({"step": 1.2}, {"training"}),
        ({"all": 1.2}, set()),
    ],
)
def test_neither_time_an_image_nor_private_memory_may_grow(
    monkeypatch: pytest.MonkeyPatch, grown: dict[str, float], missed: set[str]
) -> None:
    written: dict[Path, int] = {}

    def ran(arguments: list[str], _home: Path, *, TFDS_DATA_DIR: str) -> Ended:  # noqa: N803 - as it is called
        size = written[Path(TFDS_DATA_DIR)]
        factor = grown if size == 600_000 else {}
        memory = 2000 * factor.get("all", 1), 1000 * factor.get("private", 1)
        if "flows" in arguments:
            step = 2.5 * factor.get("step", 1)
            return Ended(
                99, ((9.0, f'{{"epochs": [{{"step_milliseconds": 9}}, {{"step_milliseconds": {step}}}]}}'),), *memory
            )
        return Ended(99, ((9.0, str((size + 1000) * 0.001 * factor.get("seconds", 1))),), *memory)

    monkeypatch.setattr(growth_images, "write_synthetic", lambda home, size, _: written.update({home: size}))
    monkeypatch.setattr(growth_images, "run", ran)
    figures, ratios = measure_images(plan())
    assert sorted(written.values()) == [60_000, 600_000]
    assert [(figure.name, figure.unit, figure.values) for figure in figures[:2]] == [
        ("preparing, 60,000 images", "ms an image", [pytest.approx(1.0)]),
        ("preparing, 600,000 images", "ms an image", [pytest.approx(grown.get("seconds", 1.0))]),
    ]
    assert {ratio.name.removesuffix(", 600,000 / 60,000 images") for ratio in ratios if not ratio.met()} == missed


def test_a_ratio_without_a_target_is_never_missed() -> None:
    ratio = Ratio(name="", values=[7.0])
    assert ratio.met()
    assert not ratio.target()
    assert median(ratio.values) == 7

"""The arithmetic of the benchmarks, and what becomes of a missed target; made-up figures, no timing."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import __main__ as command_line
from benchmarks.__main__ import run
from benchmarks.plan import Plan
from benchmarks.result import Figure, Ratio, Result, make_result, ratios_of, show
from tasks.foundation.errors import InputError

OURS = Figure(name="ours", unit="s", values=[2.0, 3.0, 8.0])
FLOOR = Figure(name="floor", unit="s", values=[2.0, 2.0, 4.0])


def test_ratios_are_those_of_each_round_and_not_of_the_medians() -> None:
    assert ratios_of(OURS, FLOOR) == [1.0, 1.5, 2.0]
    with pytest.raises(ValueError, match="shorter"):
        ratios_of(OURS, Figure(name="less", unit="s", values=[1.0]))


@pytest.mark.parametrize(
    ("target", "met"),
    [({"at_most": 1.5}, True), ({"at_most": 1.4}, False), ({"at_least": 1.5}, True), ({"at_least": 1.6}, False)],
)
def test_the_median_decides(target: dict[str, float], met: bool) -> None:  # noqa: FBT001 - a table of cases
    assert Ratio(name="", values=[9.0, 1.5, 0.1], **target).met() is met


def test_a_table_shows_medians_spread_and_what_is_missed() -> None:
    console = Console(file=(text := io.StringIO()), width=120)
    show(made(at_most=1.2), console)
    words = " ".join(text.getvalue().split())
    assert "step, 3 rounds" in words
    assert "ours, s │ 3 │ 2 to 8" in words
    assert "ours / floor │ 1.5 │ 1 to 2 │ at most 1.2: missed" in words
    assert "a note" in words


@pytest.mark.parametrize(("at_most", "status"), [(1.5, 0), (1.4, 1)])
def test_a_missed_target_ends_with_1_and_the_figures_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_most: float, status: int
) -> None:
    received = []

    def measure(plan: Plan) -> Result:
        received.append((plan.rounds, plan.small))
        plan.say("progress")
        return made(at_most=at_most)

    monkeypatch.setattr(command_line, "BENCHMARKS", {"step": measure})
    assert run("step", rounds=7, output=tmp_path / "made", small=True) == status
    assert received == [(7, True)]
    written = json.loads((tmp_path / "made" / "step.json").read_text())
    assert written["ratios"][0]["values"] == [1.0, 1.5, 2.0]
    assert {"python", "tensorflow", "keras", "prefect", "mlflow"} <= written["versions"].keys()
    assert written["hardware"]["cores"] >= 1
    assert {"processor", "memory_gibibytes", "gpu"} <= written["hardware"].keys()
    assert written["commit"]


def test_large_figures_are_shown_in_full() -> None:
    console = Console(file=(text := io.StringIO()), width=120)
    figure = Figure(name="memory", unit="MiB", values=[1003.4, 99.94, 20123.0])
    show(make_result("growth", [figure], []), console)
    assert "memory, MiB │ 1,003 │ 99.9 to 20,123" in " ".join(text.getvalue().split())


def test_what_does_not_exist_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown benchmark 'stepp'; choose from: help, step, "):
        run("step", "stepp", output=tmp_path)
    with pytest.raises(InputError, match="--rounds: received 0; allowed: at least 1"):
        run("step", rounds=0, output=tmp_path)


def made(*, at_most: float) -> Result:
    ratio = Ratio(name="ours / floor", values=ratios_of(OURS, FLOOR), at_most=at_most)
    return make_result("step", [OURS, FLOOR], [ratio], ["a note"])

"""Steps are held against the floor on each device, with times that are made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import step
from benchmarks.step import figures_and_ratios
from tests.support.plans import Spoken, mnist


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

    def answer(command: list[str], _home: Path, **changes: str) -> float | list[str] | dict[str, float]:
        if command[0] == "-c":
            return gpus
        hidden.append("CUDA_VISIBLE_DEVICES" in changes)
        return {"pipeline": 2.0, "floor": 2.0} if "in_turn" in command[1] else 2.0

    monkeypatch.setattr(step, "answer_of", answer)
    monkeypatch.setattr(step, "mnist", mnist)
    written: list[str] = []
    monkeypatch.setattr(step, "write_synthetic", lambda *given: written.append(given[-1]))
    result = step.step((spoken := Spoken()).plan(rounds=1))
    assert list(dict.fromkeys(figure.name.partition(",")[0] for figure in result.figures)) == devices
    assert hidden == [True] * 7 + [False] * 7 * (len(devices) - 1)
    assert ("no GPU" in result.notes[0]) is (not gpus)
    assert len(spoken) == 11 * len(devices)
    assert written == ["cifar10"]
    ratios = [ratio.name for ratio in result.ratios if "resnet8" in ratio.name]
    assert ratios == [f"{device}, resnet8: pipeline / floor" for device in devices]
    assert {ratio.at_most for ratio in result.ratios if ratio.name == ratios[0]} == {1.10}

"""Kill a training at every named point of the code, go on, and find what an uninterrupted one leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.recorded import Recorded
from tests.end_to_end.running import ROOT
from tests.end_to_end.trainings import Trainings, forks_for_trainings
from tests.forked import Forks

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow]

EPOCHS = 3
TRAINING = (
    *("--dataset", "digits", "--limit-examples", 300, "--image-size", 16, "--epochs", EPOCHS),
    *("--optimizer", "adam", "--schedule", "cosine", "--learning-rate", 0.002, "--seed", 3),
)
# Which passage of each point: one in the middle of things, where there are several.
POINTS = {
    "flow_run_created": 1,
    "dataset_written": 1,
    "json_half_written": 2,
    "json_written": 1,
    "run_created": 1,
    "compiled": 1,
    "block_trained": 2,
    "epoch_trained": 2,
    "npz_half_written": 2,
    "npz_written": 2,
    "checkpoint_saved": 2,
    "entry_kept": 4,
    "entry_sent": 3,
    "fitted": 1,
    "model_announced": 1,
    "model_stored": 1,
    "model_linked": 1,
    "evaluated": 1,
    "run_ending": 1,
    "run_ended": 1,
    "directory_renamed": 1,
}


def test_every_point_in_the_code_has_its_test() -> None:
    code = "".join(path.read_text() for package in ("flows", "tasks") for path in (ROOT / package).glob("*.py"))
    named = set(re.findall(r'crash_point\("(\w+)"\)', code))
    for state in re.findall(r'crash_point\(f"\{path\.suffix\[1:\]\}_(\w+)"\)', code):
        named |= {f"{kind}_{state}" for kind in ("json", "npz")}  # the files that are written durably
    assert named == POINTS.keys()


@pytest.fixture(scope="module")
def forks(environment: Mapping[str, str], prefect_api: str) -> Iterator[Forks]:
    with forks_for_trainings(environment, prefect_api) as started:
        yield started


@pytest.fixture(scope="module")
def uninterrupted(
    forks: Forks, prefect_api: str, empty_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Recorded, dict[str, np.ndarray]]:
    trainings = Trainings(forks, tmp_path_factory.mktemp("uninterrupted"), prefect_api, empty_store)
    trainings.run("train", *TRAINING)
    (run,) = trainings.runs()
    return trainings.read(run.info.run_id)


@pytest.mark.parametrize("point", POINTS)
def test_a_training_that_is_killed_there_ends_as_if_it_had_not_been(
    point: str,
    *,
    forks: Forks,
    uninterrupted: tuple[Recorded, dict[str, np.ndarray]],
    prefect_api: str,
    empty_store: Path,
    tmp_path: Path,
) -> None:
    trainings = Trainings(forks, tmp_path, prefect_api, empty_store)
    assert trainings.status(trainings.start("train", *TRAINING, CRASH_AT=f"{point}:{POINTS[point]}")) == -9

    trainings.finish(*TRAINING)

    (run,) = trainings.runs()
    again, model = trainings.read(run.info.run_id)
    again.assert_complete(EPOCHS)
    expected, expected_model = uninterrupted
    assert again.learning == expected.learning
    assert {name: array.tobytes() for name, array in model.items()} == {
        name: array.tobytes() for name, array in expected_model.items()
    }
    trainings.assert_nothing_is_left()

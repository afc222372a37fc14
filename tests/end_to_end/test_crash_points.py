"""Kill a training at every named point of the code, go on, and find what an uninterrupted one leaves."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tasks.tracking.kept_predictions import unpacked
from tests.support.preloaded import Preloaded
from tests.support.recorded import Recorded
from tests.support.running import ROOT
from tests.support.trainings import Trainings

# The first test also waits for the servers, and for a training that nobody kills.
pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(900)]

AT_ONCE = 2
EPOCHS = 3
TRAINING = (
    *("--dataset", "digits", "--limit-examples", 300, "--image-size", 16, "--epochs", EPOCHS),
    *("--optimizer", "adam", "--schedule", "cosine", "--learning-rate", 0.002, "--seed", 3),
    *("--split-seed", 5, "--class-weight", "balanced", "--augment", "flip,crop,mixup"),
    *("--clip-norm", 1, "--accumulate", 3, "--average", "ema", "--ema-momentum", 0.9, "--keep", "best"),
)
# Which passage of each point: one in the middle of things, where there are several.
POINTS = {
    "flow_run_created": 1,
    "dataset_written": 1,
    "dataset_inspected": 1,
    "split_written": 1,
    "json_half_written": 2,  # MLflow has the run, and its directory does not know that
    "json_written": 1,
    "run_created": 1,
    "compiled": 1,
    "block_trained": 2,
    "epoch_trained": 2,
    "npz_half_written": 2,
    "npz_written": 2,
    "checkpoint_saved": 2,
    "entry_kept": 4,  # the second epoch
    "entry_sent": 3,  # the first
    "fitted": 1,
    "model_announced": 1,
    "model_stored": 1,
    "model_linked": 1,
    "predicted": 1,
    "evaluated": 1,
    "run_ending": 1,
    "run_ended": 1,
    "directory_renamed": 1,
}


def test_every_point_in_the_code_has_its_test() -> None:
    code = "".join(path.read_text() for package in ("flows", "tasks") for path in (ROOT / package).rglob("*.py"))
    named = set(re.findall(r'crash_point\("(\w+)"\)', code))
    for state in re.findall(r'crash_point\(f"\{path\.suffix\[1:\]\}_(\w+)"\)', code):
        named |= {f"{kind}_{state}" for kind in ("json", "npz")}  # the files that are written durably
    assert named == POINTS.keys()
    assert code.count("crash_point(") == 1 + code.count('crash_point("') + code.count(
        'crash_point(f"'
    )  # its definition


@pytest.fixture(scope="module")
def uninterrupted(
    preloaded: Preloaded, empty_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Recorded, dict[str, np.ndarray]]:
    trainings = Trainings(preloaded, tmp_path_factory.mktemp("uninterrupted"), empty_store)
    trainings.run("train", *TRAINING)
    return trainings.read()


@pytest.fixture(scope="module")
def killed(
    request: pytest.FixtureRequest,
    uninterrupted: tuple[Recorded, dict[str, np.ndarray]],
    preloaded: Preloaded,
    empty_store: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Future[Trainings]]]:
    """The trainings that are killed at the points chosen for this run of pytest, and go on: some at once."""
    assert uninterrupted

    def kill_at(point: str) -> Trainings:
        trainings = Trainings(preloaded, tmp_path_factory.mktemp(point), empty_store)
        ended = trainings.ended(trainings.start("train", *TRAINING, CRASH_AT=f"{point}:{POINTS[point]}"))
        assert ended.status == -signal.SIGKILL, ended
        assert trainings.modules_named() == []  # else the code could not be moved under a run that is to go on
        trainings.finish(*TRAINING)
        return trainings

    mine = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {point: pool.submit(kill_at, point) for point in [item.callspec.params["point"] for item in mine]}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("point", POINTS)
def test_a_training_that_is_killed_there_ends_as_if_it_had_not_been(
    point: str, killed: dict[str, Future[Trainings]], uninterrupted: tuple[Recorded, dict[str, np.ndarray]]
) -> None:
    trainings = killed[point].result()
    trainings.assert_as_if_undisturbed(uninterrupted, EPOCHS)
    (path,) = trainings.directory.glob("mlartifacts/**/predictions.npz")
    accuracy = float(np.mean(unpacked(path.read_bytes()).right))
    assert accuracy == trainings.read()[0].points["best_validation_accuracy"][-1][1]

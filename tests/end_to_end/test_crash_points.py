"""Kill a training at every named point of the code, go on, and find what an uninterrupted one leaves."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks.tracking.kept_predictions import unpacked
from tests.support.preloaded import Preloaded
from tests.support.promotable_runs import PROMOTION_POINTS
from tests.support.recorded import Recorded
from tests.support.running import ROOT
from tests.support.trainings import Trainings

# The first test also waits for the servers, and for a training that nobody kills.
pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(900)]

AT_ONCE = 2
EPOCHS = 3
UNDISTURBED = "nowhere"
DATA = ("--dataset", "digits", "--limit-examples", 300, "--image-size", 16, "--epochs", EPOCHS, "--seed", 3)
# What the code of one has that the code of another has not: averages of weights, clipping, what batch normalisation and
# dropout keep, the best epoch's weights, and a person's file.
TRAININGS: dict[str, tuple[object, ...]] = {
    "lenet": (
        *("--optimizer", "adam", "--schedule", "cosine", "--learning-rate", 0.002, "--split-seed", 5),
        *("--class-weight", "balanced", "--augment", "flip,crop,mixup"),
        *("--clip-norm", 1, "--accumulate", 3, "--average", "ema", "--ema-momentum", 0.9, "--keep", "best"),
    ),
    "resnet8": (
        *("--model", "resnet8", "--optimizer", "schedule_free_adamw", "--warmup-epochs", 1, "--clip-norm", 0.5),
    ),
    "a file with dropout": (
        *("--model", "mine.py:network", "--optimizer", "momentum", "--average", "ema", "--ema-momentum", 0.9),
    ),
}
MINE = """
import keras

def network(image_shape, num_classes, *, pixel_mean, pixel_deviation, seed):
    pixels = keras.Input(image_shape)
    drawn = lambda place: keras.initializers.HeNormal(seed=10 * seed + place)
    x = keras.layers.Rescaling(1 / 255)(pixels)
    x = keras.layers.Conv2D(8, 3, strides=2, kernel_initializer=drawn(0))(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))
    x = keras.layers.Dropout(0.25, seed=seed)(keras.layers.Flatten()(x))
    return keras.Model(pixels, keras.layers.Dense(num_classes, kernel_initializer=drawn(1))(x))
"""
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


# What lies before these is the same whatever is trained.
IN_THE_FIT = (
    *("compiled", "block_trained", "epoch_trained", "npz_half_written", "npz_written", "checkpoint_saved"),
    *("fitted", "predicted", "evaluated"),
)
KILLED = [(training, point) for training in TRAININGS for point in POINTS if training == "lenet" or point in IN_THE_FIT]


def test_every_point_in_the_code_has_its_test() -> None:
    code = "".join(path.read_text() for package in ("flows", "tasks") for path in (ROOT / package).rglob("*.py"))
    named = set(re.findall(r'crash_point\("(\w+)"\)', code))
    for state in re.findall(r'crash_point\(f"\{path\.suffix\[1:\]\}_(\w+)"\)', code):
        named |= {f"{kind}_{state}" for kind in ("json", "npz")}  # the files that are written durably
    assert named == POINTS.keys() | PROMOTION_POINTS
    assert code.count("crash_point(") == 1 + code.count('crash_point("') + code.count(
        'crash_point(f"'
    )  # its definition


class Workplace:
    """Where trainings of one kind are run, each in a directory of its own."""

    def __init__(self, kind: str, preloaded: Preloaded, empty_store: Path, factory: pytest.TempPathFactory) -> None:
        self.arguments = ("train", *DATA, *TRAININGS[kind])
        self._make = lambda name: Trainings(preloaded, factory.mktemp(name), empty_store)

    def trainings(self, name: str) -> Trainings:
        trainings = self._make(name)
        (trainings.directory / "mine.py").write_text(MINE)
        return trainings

    def uninterrupted(self) -> tuple[Recorded, dict[str, np.ndarray]]:
        trainings = self.trainings("uninterrupted")
        trainings.run(*self.arguments)
        return trainings.read()

    def killed_at(self, point: str) -> Trainings:
        """Return trainings of which one was killed at a point, and has gone on."""
        trainings = self.trainings(point)
        ended = trainings.ended(trainings.start(*self.arguments, CRASH_AT=f"{point}:{POINTS[point]}"))
        assert ended.status == -signal.SIGKILL, ended
        assert trainings.modules_named() == []  # else the code could not be moved under a run that is to go on
        trainings.finish(*self.arguments[1:])
        return trainings


@pytest.fixture(scope="module")
def ended(
    request: pytest.FixtureRequest,
    preloaded: Preloaded,
    empty_store: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[tuple[str, str], Future[Any]]]:
    """What became of the trainings that this run of pytest asks for: some at a time, those that nobody kills first."""
    asked = [
        (item.callspec.params["training"], item.callspec.params["point"])
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec")
    ]
    kinds = dict.fromkeys(kind for kind, _ in asked)
    workplaces = {kind: Workplace(kind, preloaded, empty_store, tmp_path_factory) for kind in kinds}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures: dict[tuple[str, str], Future[Any]] = {
            (kind, UNDISTURBED): pool.submit(workplace.uninterrupted) for kind, workplace in workplaces.items()
        }
        futures |= {(kind, point): pool.submit(workplaces[kind].killed_at, point) for kind, point in asked}
        yield futures
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize(("training", "point"), KILLED, ids=str)
def test_a_training_that_is_killed_there_ends_as_if_it_had_not_been(
    training: str, point: str, ended: dict[tuple[str, str], Future[Any]]
) -> None:
    trainings = ended[training, point].result()
    trainings.assert_as_if_undisturbed(ended[training, UNDISTURBED].result(), EPOCHS)
    (path,) = trainings.directory.glob("mlartifacts/**/predictions.npz")
    accuracy = float(np.mean(unpacked(path.read_bytes()).right))
    validated = [value for _, value in trainings.read()[0].points["validation/accuracy"]]
    assert accuracy == (max(validated) if "best" in TRAININGS[training] else validated[-1])

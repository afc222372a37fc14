"""Kill trainings at random times, again and again: `make soak`."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.trainings import Trainings, forks_for_trainings, kill
from tests.forked import Forks

pytestmark = [pytest.mark.end_to_end, pytest.mark.soak, pytest.mark.timeout(7200)]

KILLS = int(os.environ.get("SOAK_KILLS", "20"))
SEED = int(os.environ.get("SOAK_SEED") or np.random.SeedSequence().generate_state(1)[0])
EPOCHS = 8
TRAINING = ("--dataset", "digits", "--epochs", EPOCHS, "--optimizer", "nadam", "--schedule", "cosine")


@pytest.fixture
def forks(environment: Mapping[str, str], prefect_api: str) -> Iterator[Forks]:
    with forks_for_trainings(environment, prefect_api) as started:
        yield started


def test_kills_at_random_times_lose_nothing(
    forks: Forks, prefect_api: str, empty_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    print(f"\nSOAK_SEED={SEED} SOAK_KILLS={KILLS}")
    undisturbed = Trainings(forks, tmp_path_factory.mktemp("undisturbed"), prefect_api, empty_store)
    started = time.monotonic()
    undisturbed.run("train", *TRAINING)
    seconds = time.monotonic() - started
    expected, expected_model = undisturbed.read(undisturbed.runs()[0].info.run_id)

    generator = np.random.default_rng(SEED)
    kills = trainings = 0
    while kills < KILLS:
        trainings += 1
        disturbed = Trainings(forks, tmp_path_factory.mktemp("disturbed"), prefect_api, empty_store)
        arguments: tuple[object, ...] = ("train", *TRAINING)
        while kills < KILLS:
            pid = disturbed.start(*arguments)
            delay = generator.uniform(0, seconds)
            time.sleep(delay)
            kill(pid)
            if disturbed.status(pid) == 0:
                print(f"training {trainings}: it was done before {delay:.2f} s")
                break
            kills += 1
            print(f"training {trainings}: killed after {delay:.2f} of {seconds:.2f} s, kill {kills}")
            disturbed.run("reconcile")
            assert [run.info.status for run in disturbed.runs() if run.info.status == "RUNNING"] == []
            assert disturbed.going_on_in_prefect() == []
            if unfinished := [run.info.run_id for run in disturbed.runs() if run.info.status != "FINISHED"]:
                arguments = ("train", "--resume", unfinished[0])
            elif disturbed.runs():
                break
        disturbed.finish(*TRAINING)
        (run,) = disturbed.runs()
        again, model = disturbed.read(run.info.run_id)
        again.assert_complete(EPOCHS)
        assert again.learning == expected.learning
        assert all((model[name] == expected_model[name]).all() for name in expected_model)
        disturbed.assert_nothing_is_left()

"""Kill trainings at random times, again and again: `make soak`."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from tests.support.preloaded import Preloaded
from tests.support.trainings import FINAL, Trainings

KILLS = int(os.environ.get("SOAK_KILLS") or 20)
SEED = int(os.environ.get("SOAK_SEED") or np.random.SeedSequence().generate_state(1)[0])
EPOCHS = 8
PLAIN = ("--dataset", "digits", "--epochs", EPOCHS, "--optimizer", "nadam", "--schedule", "cosine")
TRAININGS = (PLAIN, (*PLAIN, "--augment", "flip,crop,mixup"))  # by turns

pytestmark = [pytest.mark.end_to_end, pytest.mark.soak, pytest.mark.timeout(600 + 120 * KILLS)]


def test_kills_at_random_times_lose_nothing(
    preloaded: Preloaded, empty_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    print(f"\nSOAK_KILLS={KILLS} SOAK_SEED={SEED}", flush=True)
    generator = np.random.default_rng(SEED)
    undisturbed, seconds = [], 0.0
    for training in TRAININGS:
        trainings = Trainings(preloaded, tmp_path_factory.mktemp("undisturbed"), empty_store)
        started = time.monotonic()
        trainings.run("train", *training)
        seconds = max(seconds, time.monotonic() - started)
        undisturbed.append(trainings.read())

    kills = number = 0
    while kills < KILLS:
        training = TRAININGS[number % len(TRAININGS)]
        expected = undisturbed[number % len(TRAININGS)]
        number += 1
        trainings = Trainings(preloaded, tmp_path_factory.mktemp("disturbed"), empty_store)
        arguments = ["train", *training]
        while kills < KILLS:
            running = trainings.start(*arguments)
            moment = generator.uniform(0, seconds)
            time.sleep(moment)
            running.process.kill()
            ended = trainings.ended(running)
            if ended.status == 0:
                print(f"training {number}: complete before {moment:.2f} s were over", flush=True)
                break
            assert (ended.status, ended.left) == (-signal.SIGKILL, []), ended
            kills += 1
            print(f"training {number}: kill {kills}, after {moment:.2f} of {seconds:.2f} s", flush=True)
            trainings.run("reconcile")
            assert set(trainings.states_in_prefect()) <= set(FINAL)
            if runs := trainings.runs():
                (run,) = runs
                assert run.info.status in ("FAILED", "FINISHED")
                if run.info.status == "FINISHED":
                    break
                arguments = ["train", "--resume", run.info.run_id]
        trainings.finish(*training)
        trainings.assert_as_if_undisturbed(expected, EPOCHS)

"""A comparison in rounds: the same trials and the same answer, whoever runs them and whatever is killed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.comparisons import learning_of, running_trials, studies_of, trials_of
from tests.support.running import Running, wait_for

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(900)]

# Rates so small that the largest is the best, and so few images that nothing is decided at the first look.
ASKED = (
    *("--dataset", "digits", "--limit-examples", 200, "--optimizers", "sgd,momentum", "--learning-rates", "0.01,0.02"),
    *("--seeds", 1, "--looks", "2,3", "--epochs", 6, "--target", 0.5),
)
ROUNDS = ("Tuning: 4 trials", "Extending: ", "Confirming: ")


def test_the_trials_and_the_answer_are_the_same_with_one_worker_and_two_that_are_killed_in_every_round(
    compare: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    for directory in (alone, killed):
        directory.mkdir()
    ended = compare(*ASKED, "--workers", 1, "--json", directory=alone).ended()
    assert (ended.status, ended.left) == (0, []), ended
    assert all(round_ in ended.err for round_ in ROUNDS), ended.err
    undisturbed = json.loads(ended.out)

    study = ""
    for round_ in ROUNDS:
        asked = ("--resume", study) if study else ASKED
        running = compare(*asked, "--workers", 2, directory=killed)
        running.printed(round_)
        wait_for(lambda: running_trials(killed, runs), f"a trial in its epochs: {round_}")
        running.process.kill()
        wait_for(lambda running=running: not running.processes(), "its processes to end")
        study = studies_of(killed, runs)[0].info.run_id
    ended = compare("--resume", study, "--workers", 2, "--json", directory=killed).ended()
    assert (ended.status, ended.left) == (0, []), ended
    result = json.loads(ended.out)
    assert "distributed" not in ended.err  # what workers say when they start is not for the terminal
    assert "cuda" not in ended.err.lower()

    assert result["answer"] == undisturbed["answer"]
    for words in ("verdict", "doubt", "cautions"):
        assert result[words] == undisturbed[words]
    assert result["trials"] == undisturbed["trials"]
    assert learning_of(killed, study) == learning_of(alone, undisturbed["study"])
    rounds = {run.data.tags["round"] for run in trials_of(killed, study)}
    assert rounds == {"tune", "extend", "confirm"}
    tested = {
        run.info.run_name: run.data.tags["round"]
        for run in trials_of(killed, study)
        if "test_accuracy" in run.data.metrics
    }
    assert tested
    assert set(tested.values()) == {"confirm"}
    assert {name.split()[0] for name in tested} == {result["answer"]["take"]}

"""``python -m flows train`` as a stranger runs it."""

from __future__ import annotations

import fcntl
import json
import math
import os
import pty
import re
import struct
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.own_code import write_own
from tests.support.running import ROOT, Running

pytestmark = pytest.mark.end_to_end

SMALL = ("--dataset", "digits", "--limit-examples", 300)
STEP_LINE = (
    r"Epoch:\[ {{2}}{epoch}/  2\], step:\[   41/   41\], loss:\[\d\.\d{{3}}/\d\.\d{{3}}\], "
    r"time:\d+\.\d{{3}} ms, lr:0\.01000"
)
EPOCH_LINE = r"Epoch time: \d+\.\d{3} ms, per step time: \d+\.\d{3} ms, avg loss: \d\.\d{3}"
VALIDATION_LINE = r"Epoch:\[ {{2}}{epoch}/  2\], validation accuracy: 0\.\d+, validation loss: \d\.\d+"
FIRST_RUN = "\n".join(
    [
        r"Training lenet on digits, images 32x32, 10% held back for validation",
        r"  momentum, momentum 0\.9, nesterov False, learning_rate 0\.01 \(constant\), softmax_cross_entropy",
        r"  2 epochs, batch_size 32, seed 0, device auto",
        r"Using digits as it was prepared on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d: \S+ \(from .+, digest [0-9a-f]{12}\)\.",
        *[STEP_LINE.format(epoch=1), EPOCH_LINE, VALIDATION_LINE.format(epoch=1)],
        *[STEP_LINE.format(epoch=2), EPOCH_LINE, VALIDATION_LINE.format(epoch=2)],
        r"",
        (
            r"Test accuracy (?P<accuracy>0\.\d{4}), test loss \d\.\d{4}, after 2 epochs in \d+\.\d s\. "
            r"Best validation accuracy 0\.\d{4}, in epoch [12]\."
        ),
        r"",
        r"MLflow run   http://127\.0\.0\.1:5000/#/experiments/1/runs/(?P<run_id>[0-9a-f]{32})\S*",
        r"Prefect run  http://127\.0\.0\.1:4200/flow-runs/flow-run/[0-9a-f-]{36}",
        r"Look at them with: make ui",
        r"",
        r"Look at its mistakes: \S.* -m flows mistakes (?P=run_id)",
        r"Ask it about images:  \S.* -m flows predict (?P=run_id) FOLDER",
        r"Put it into use:      \S.* -m flows promote (?P=run_id) --name NAME",
        r"",
    ]
)
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def metrics(run: Any) -> dict[str, float]:
    """What a run's metrics say about learning, not about this machine."""
    learning = ("train/", "validation/", "test_", "best_", "learning_rate")
    return {name: value for name, value in run.data.metrics.items() if name.startswith(learning)}


def test_a_first_run_in_an_empty_directory(
    start: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    connections = tmp_path / "connections"
    (tmp_path / "home").mkdir()
    ended = start(
        *("-m", "flows", "train", "--dataset", "digits", "--epochs", "2"),
        PYTHONPATH=f"{ROOT / 'tests' / 'support' / 'watched'}{os.pathsep}{ROOT}",
        CONNECTIONS=str(connections),
        HOME=str(tmp_path / "home"),
    ).ended()

    assert (ended.status, ended.err) == (0, "")
    printed = re.fullmatch(FIRST_RUN, ended.out)
    assert printed, ended.out
    assert ended.left == []
    recorded = connections.read_text().splitlines()
    assert {line.split()[0] for line in recorded} >= {"started", "127.0.0.1"}  # it watched, the server too
    assert [line for line in recorded if line.split()[0] not in ("started", "127.0.0.1", "localhost", "::1")] == []

    (run,) = runs(tmp_path)
    assert (run.info.run_id, run.info.status) == (printed["run_id"], "FINISHED")
    assert f"{run.data.metrics['test_accuracy']:.4f}" == printed["accuracy"]
    assert (run.data.params["dataset"], run.data.params["epochs"], run.data.tags["outcome"]) == (
        *("digits", "2"),
        "completed",
    )
    assert run.data.metrics["test_accuracy"] > 0.85


@pytest.mark.slow
def test_two_first_runs_at_the_same_moment_succeed_and_agree_to_the_last_bit(
    start: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    command = ("-m", "flows", "train", "--dataset", "digits", "--epochs", "1")
    both = [start(*command, HOME=str(tmp_path / "home")) for _ in range(2)]
    for ended in [running.ended() for running in both]:
        assert (ended.status, ended.err, ended.left) == (0, "", [])

    first, second = runs(tmp_path)
    assert [run.info.status for run in (first, second)] == ["FINISHED"] * 2
    assert first.info.experiment_id == second.info.experiment_id
    assert metrics(first) == metrics(second)


@pytest.mark.slow
def test_another_seed_gives_another_result(train: Callable[..., Running]) -> None:
    both = [train("--dataset", "digits", "--epochs", 1, "--json", "--seed", seed) for seed in (0, 1)]
    results = [json.loads(running.ended().out) for running in both]
    assert results[0]["epochs"][0]["train_loss"] != results[1]["epochs"][0]["train_loss"]


def test_json_prints_one_object_on_standard_output_and_the_rest_on_standard_error(
    train: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    prints = ("        super().__init__(**base)\n", "        super().__init__(**base)\n        print('A focal loss')\n")
    write_own(tmp_path / "mine.py", prints)  # in this process
    ended = train(*SMALL, "--epochs", 2, "--json", "--loss", "mine.py:Focal").ended()
    assert ended.status == 0
    assert "A focal loss" in ended.err
    result = json.loads(ended.out)
    assert ended.out.count("\n") == 1
    (run,) = runs(tmp_path)
    assert (result["run_id"], result["outcome"], len(result["epochs"])) == (run.info.run_id, "completed", 2)
    names = ("loss", "accuracy", "balanced_accuracy", "macro_f1")
    assert result["test"] == {f"test/{name}": run.data.metrics[f"test_{name}"] for name in names}
    assert "Training lenet on digits" in ended.err
    assert re.search(f"^{EPOCH_LINE}$", ended.err, re.MULTILINE)


@pytest.mark.slow
def test_a_terminal_shows_a_progress_bar_and_whole_lines(start: Callable[..., Running], prefect_api: str) -> None:
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    running = start(
        *("-m", "flows", "train", "--dataset", "digits", "--epochs", 2),
        streams={"stdin": its, "stdout": its, "stderr": its},
        PREFECT_API_URL=prefect_api,
        TERM="xterm-256color",
    )
    os.close(its)
    screen = b""
    while True:
        try:
            screen += os.read(ours, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
    os.close(ours)

    assert running.ended().status == 0
    lines = [line.strip() for line in re.split(r"[\r\n]+", CONTROL.sub("", screen.decode()))]
    bars = [line for line in lines if line.startswith("Epoch 1/2 ")]
    assert any(re.fullmatch(r"Epoch 1/2 \S+ +0/41 steps \S+", bar) for bar in bars), lines
    told = [line for line in lines if line.startswith("Epoch:")]
    expected = [line.format(epoch=epoch) for epoch in (1, 2) for line in (STEP_LINE, VALIDATION_LINE)]
    assert [bool(re.fullmatch(*pair)) for pair in zip(expected, told, strict=True)] == [True] * 4, told
    assert [line for line in lines if line.startswith("Test accuracy")]
    assert not [line for line in lines if "WARNING" in line or "Traceback" in line]


def test_a_diverged_run_says_so_and_has_no_score(
    train: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    ended = train(*SMALL, "--optimizer", "sgd", "--learning-rate", "1e9").ended()
    assert (ended.status, ended.err) == (0, "")
    assert re.search(
        r"^Diverged: the loss is (nan|inf) at step \d+ of epoch 1\. The run has no score", ended.out, re.MULTILINE
    )
    (run,) = runs(tmp_path)
    assert (run.info.status, run.data.tags["outcome"]) == ("FINISHED", "diverged")
    assert not [name for name in run.data.metrics if name.startswith(("test_", "best_"))]
    assert all(math.isfinite(value) for value in run.data.metrics.values())


def test_a_folder_of_images_trains(
    train: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path
) -> None:
    from PIL import Image

    generator = np.random.default_rng(0)
    for label, brightness in (("dark", 40), ("light", 200)):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(20):
            pixels = generator.integers(brightness - 30, brightness + 30, (24, 20, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / label / f"{number}.png")
    ended = train("--dataset", "folder:pictures", "--epochs", 3, "--batch-size", 8).ended()
    assert (ended.status, ended.err) == (0, "")
    (run,) = runs(tmp_path)
    assert run.data.metrics["test_accuracy"] == 1.0


@pytest.mark.slow
def test_the_real_mnist_trains(
    train: Callable[..., Running], runs: Callable[..., list[Any]], tmp_path: Path, mnist_directory: str
) -> None:
    arguments = ("--data-dir", mnist_directory, "--download", "false", "--limit-examples", 2000, "--epochs", 1)
    ended = train("--dataset", "mnist", *arguments).ended()
    assert (ended.status, ended.err) == (0, "")
    (run,) = runs(tmp_path)
    assert run.data.metrics["test_accuracy"] > 0.7

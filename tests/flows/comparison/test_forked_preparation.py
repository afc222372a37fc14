"""Who prepares the dataset of a comparison."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.comparison import forked_preparation
from flows.comparison.forked_preparation import prepare
from flows.parameters.compare import CompareParameters
from tasks.dataset import prepare_dataset
from tasks.foundation.errors import InputError

GIVEN = CompareParameters(dataset="digits", image_size=16, limit_examples=300)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is asked of whom; here everything is done by this process."""
    asked: list[str] = []
    monkeypatch.chdir(tmp_path)

    def run_in_fork(function: Callable[..., object], dataset: str, given: dict[str, Any]) -> None:
        asked.append(f"a fork, {'with' if given['download'] else 'without'} download")
        try:
            prepare_dataset.fn(dataset, **given)
        except InputError:
            return
        assert function is forked_preparation._prepare

    monkeypatch.setattr(forked_preparation, "START_METHOD", "forkserver")
    monkeypatch.setattr(forked_preparation, "run_in_fork", run_in_fork)
    monkeypatch.setattr(forked_preparation, "hide_gpus", lambda: asked.append("TensorFlow, here"))
    monkeypatch.setattr(forked_preparation, "prepare_dataset", prepare_dataset.fn)
    return asked


def test_a_fork_prepares_it_and_once_it_is_there_nobody_is_asked(asked: list[str]) -> None:
    first = prepare(GIVEN)
    assert (asked, first.examples["test"]) == (["a fork, without download"], 60)
    assert (prepare(GIVEN), len(asked)) == (first, 1)


def test_where_nothing_can_be_forked_this_process_does(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forked_preparation, "START_METHOD", "spawn")
    assert prepare(GIVEN).examples["test"] == 60
    assert asked == ["TensorFlow, here"]


def test_what_a_fork_cannot_do_this_process_does_or_tells(asked: list[str], tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    with pytest.raises(InputError, match="it needs at least 2, one subfolder of images for each class"):
        prepare(CompareParameters(dataset="folder:pictures"))
    assert asked == ["a fork, without download", "TensorFlow, here"]


def test_what_is_damaged_is_told_and_prepared_again_here(asked: list[str], caplog: pytest.LogCaptureFixture) -> None:
    prepared = prepare(GIVEN)
    os.truncate(prepared.directory / "images.npy", 100)
    assert prepare(GIVEN) == prepared
    assert asked == ["a fork, without download", "TensorFlow, here"]
    assert "images.npy is damaged; the dataset is prepared again" in caplog.text

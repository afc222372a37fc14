"""Where a run's copy of a person's own code comes from, and what is told if there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.building.own_code import keep_sources, names_in, own_sources, read_copy, store_now, write_copy
from tasks.foundation.errors import InputError
from tasks.foundation.own_source import taken_apart, with_digest
from tasks.tracking import mlflow_client
from tasks.tracking.claim import claim
from tasks.tracking.stored_run import DIRECTORY_TAG, STUDY_TAG


@pytest.fixture
def mine(workplace: Path) -> Path:
    (workplace / "mine.py").write_text("from beside import A\n")
    (workplace / "beside.py").write_text("A = 1\n")
    return workplace / "mine.py"


@pytest.fixture
def name(mine: Path) -> str:
    return with_digest(f"{mine}:A")


@pytest.fixture
def begin(workplace: Path) -> Callable[..., str]:
    """Make a run in the store, whose files are in a directory."""
    experiment = mlflow_client.open_experiment("tests")

    def begin_one(directory: Path = workplace / "nowhere", **tags: str) -> str:
        return mlflow_client.create_run(experiment, "a run", {DIRECTORY_TAG: str(directory), **tags})

    return begin_one


def test_what_is_built_in_has_no_files(name: str) -> None:
    assert list(own_sources(["adam", name, name, "keras:ResNet50", "lenet"])) == [name]
    assert own_sources(["adam"]) == {}


def test_a_file_that_was_changed_or_is_gone_is_told(mine: Path, name: str) -> None:
    (mine.parent / "beside.py").write_text("A = 2\n")
    with pytest.raises(
        InputError, match=r"it holds something else by now \(digest [0-9a-f]{16}\), and no run has a copy"
    ):
        own_sources([name])
    mine.unlink()
    with pytest.raises(InputError, match=r"there is no file '.*mine\.py', and no run has a copy of it"):
        own_sources([name])


def test_a_run_that_goes_on_has_its_copy_whatever_became_of_the_file(
    mine: Path, name: str, begin: Callable[..., str], tmp_path: Path
) -> None:
    before, run_id = own_sources([name]), begin(tmp_path / "run")
    keep_sources(before, run_id, tmp_path / "run")
    assert names_in(tmp_path / "run") == [name]
    mine.write_text("A = 3\n")
    assert own_sources([name], run_id) == before
    copy = tmp_path / "run" / "sources" / taken_apart(name).digest / "beside.py"
    copy.write_text("A = 4\n")  # whatever the copy holds, that is what the run began with or nothing
    assert read_copy(tmp_path / "run", taken_apart(name).digest) == {}
    assert own_sources([name], run_id) == before  # from the store
    assert names_in(tmp_path) == []


def test_a_trial_takes_what_its_comparison_has_in_the_store(
    mine: Path, name: str, begin: Callable[..., str], workplace: Path
) -> None:
    before, study = own_sources([name]), begin()
    for path, content in before[name].items():
        store_now(study, content, f"sources/{taken_apart(name).digest}/{path}")
    mine.unlink()
    with claim() as claimed:
        claimed.tags = {STUDY_TAG: study}
        assert own_sources([name]) == before
    assert own_sources([name], begin(**{STUDY_TAG: study})) == before  # as who tests the trial's model asks
    with pytest.raises(InputError, match="no run has a copy"):
        own_sources([name], begin())
    write_copy(before, workplace / "run")
    assert read_copy(workplace / "run", taken_apart(name).digest) == before[name]

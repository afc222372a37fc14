"""What tasks have to say of a run: kept on disk, one point for each metric and step."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from served_model.description import ModelDescription
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import StorageError
from tasks.tracking import mlflow_client, mlflow_files, mlflow_store
from tasks.tracking.outbox import JOURNAL, MARK
from tasks.tracking.record import (
    Recorder,
    log_content,
    log_dataset,
    log_metrics,
    log_model,
    log_pictures,
    recording,
    set_tags,
)
from tests.support.store import store

SECONDS = 20


@pytest.fixture
def run_id(workplace: Path) -> str:
    assert workplace.is_dir()
    return mlflow_client.create_run(mlflow_client.open_experiment("tests"), "a run", {})


def points(run_id: str, metric: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in store().get_metric_history(run_id, metric)]


def test_metrics_are_written_at_their_step_and_time(run_id: str) -> None:
    before = time.time() * 1000 - 1
    for step in (1, 2):
        log_metrics(run_id, {"train/loss": step / 10}, step=step)
    assert points(run_id, "train/loss") == [(1, 0.1), (2, 0.2)]
    assert before <= store().get_metric_history(run_id, "train/loss")[0].timestamp <= time.time() * 1000


def test_tags_can_be_set_again(run_id: str) -> None:
    set_tags(run_id, {"outcome": "first", "other": "kept"})
    set_tags(run_id, {"outcome": "second"})
    tags = store().get_run(run_id).data.tags
    assert (tags["outcome"], tags["other"]) == ("second", "kept")


def test_a_long_tag_is_cut_and_not_refused(run_id: str) -> None:
    set_tags(run_id, {"reason": "x" * 100_000})
    assert store().get_run(run_id).data.tags["reason"] == "x" * mlflow_store.LONGEST_TAG


def test_pictures_are_stored_by_their_names(run_id: str, tmp_path: Path) -> None:
    log_pictures(run_id, lambda: {"curves.png": b"a picture", "key.txt": b"words"}, "The curves")
    for name, content in (("curves.png", b"a picture"), ("key.txt", b"words")):
        assert Path(store().download_artifacts(run_id, name, str(tmp_path))).read_bytes() == content


def test_a_content_is_stored_by_its_name_and_read_back(run_id: str) -> None:
    assert mlflow_files.read_file(run_id, "some.bin") is None
    log_content(run_id, bytes(range(256)), "some.bin")
    log_content(run_id, b"other", "other.bin")
    assert mlflow_files.read_file(run_id, "some.bin") == bytes(range(256))


def test_a_run_does_without_a_picture_that_cannot_be_drawn(run_id: str, caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> dict[str, bytes]:
        raise ValueError("\n1_\n  ^ expected something else")

    log_pictures(run_id, fails, "The curves")
    assert "The curves could not be drawn (ValueError: 1_" in caplog.text
    assert store().list_artifacts(run_id) == []


def test_the_dataset_is_an_input_with_its_digest(run_id: str, prepared: PreparedDataset) -> None:
    log_dataset(run_id, prepared)
    (given,) = store().get_run(run_id).inputs.dataset_inputs
    assert given.dataset.name == "digits"
    assert prepared.digest.startswith(given.dataset.digest)
    assert len(given.dataset.digest) >= 12
    assert '"train": 190' in given.dataset.profile
    assert str(prepared.directory) in given.dataset.source
    assert [(tag.key, tag.value) for tag in given.tags] == [("mlflow.data.context", "training")]


def test_what_is_recorded_in_a_run_goes_by_way_of_its_directory(run_id: str, tmp_path: Path) -> None:
    with recording(run_id, tmp_path) as recorder:
        log_metrics(run_id, {"train/loss": 0.5}, step=1)
        assert b'"train/loss":0.5' in (tmp_path / JOURNAL).read_bytes()
        recorder.outbox.close(SECONDS)
    kept = (tmp_path / JOURNAL).read_bytes()
    log_metrics(run_id, {"train/loss": 0.25}, step=2)  # sent at once, now that the run is no longer recorded here
    assert points(run_id, "train/loss") == [(1, 0.5), (2, 0.25)]
    assert (tmp_path / JOURNAL).read_bytes() == kept


def test_a_point_is_kept_once_even_by_another_process(run_id: str, tmp_path: Path) -> None:
    for accuracy in (0.5, 0.75):  # the second one finds what the first left
        with recording(run_id, tmp_path) as recorder:
            for loss in (0.25, 0.125):
                log_metrics(run_id, {"train/loss": loss, f"accuracy of {accuracy}": accuracy}, step=1)
            recorder.outbox.close(SECONDS)
    assert points(run_id, "train/loss") == [(1, 0.25)]
    assert points(run_id, "accuracy of 0.75") == [(1, 0.75)]


def test_a_journal_that_is_sent_twice_leaves_everything_once(
    run_id: str, tmp_path: Path, prepared: PreparedDataset, make_compiled: Callable[..., Path]
) -> None:
    with recording(run_id, tmp_path) as recorder:
        log_dataset(run_id, prepared)
        for step, loss in enumerate((0.5, math.nan, 0.25), start=1):
            log_metrics(run_id, {"train/loss": loss, "train/norm": 1 / step}, step=step)
        log_pictures(run_id, lambda: {"curves.png": b"a picture"}, "The curves")
        log_model(run_id, make_compiled(), ModelDescription(prepared.classes, prepared.image_shape))
        set_tags(run_id, {"outcome": "diverged"})
        recorder.outbox.close(SECONDS)
    first = store().get_run(run_id).to_dictionary()
    (tmp_path / MARK).unlink()
    again = Recorder(run_id, tmp_path).outbox
    assert again.any_waiting
    again.close(SECONDS)
    run = store().get_run(run_id)
    assert str(run.to_dictionary()) == str(first)  # as text, in which NaN equals itself
    assert points(run_id, "train/norm") == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert [(step, math.isnan(value)) for step, value in points(run_id, "train/loss")] == [
        (1, False),
        (2, True),
        (3, False),
    ]
    assert [artifact.path for artifact in store().list_artifacts(run_id)] == ["curves.png"]
    (model,) = store().search_logged_models([run.info.experiment_id])
    assert (model.source_run_id, str(model.status)) == (run_id, "READY")
    assert run.data.tags["outcome"] == "diverged"


def test_a_point_that_could_not_be_kept_is_not_taken_for_kept(run_id: str, tmp_path: Path) -> None:
    with recording(run_id, tmp_path) as recorder:
        (tmp_path / JOURNAL).mkdir()
        with pytest.raises(StorageError):
            log_metrics(run_id, {"train/loss": 0.5}, step=1)
        (tmp_path / JOURNAL).rmdir()
        log_metrics(run_id, {"train/loss": 0.25}, step=1)
        recorder.outbox.close(SECONDS)
    assert points(run_id, "train/loss") == [(1, 0.25)]


def test_what_is_recorded_in_two_threads_is_kept_once(run_id: str, tmp_path: Path) -> None:
    at_once = threading.Barrier(4)

    def record() -> None:
        at_once.wait(SECONDS)
        for step in range(20):
            log_metrics(run_id, {"train/loss": 0.5}, step=step)

    with recording(run_id, tmp_path) as recorder:
        threads = [threading.Thread(target=record) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        recorder.outbox.close(SECONDS)
    assert len((tmp_path / JOURNAL).read_text().splitlines()) == 20
    assert points(run_id, "train/loss") == [(step, 0.5) for step in range(20)]


def test_steps_go_on_where_the_last_process_ended(run_id: str, tmp_path: Path) -> None:
    with recording(run_id, tmp_path) as recorder:
        assert recorder.next_step("system/") == 0
        for step in range(3):
            log_metrics(run_id, {"system/cpu": 1.0}, step=step)
        log_metrics(run_id, {"train/loss": 1.0}, step=9)
        recorder.outbox.close(SECONDS)
    with recording(run_id, tmp_path) as recorder:
        assert recorder.next_step("system/") == 3
        recorder.outbox.close(SECONDS)

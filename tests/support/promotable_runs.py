"""Runs as a training leaves them, as far as a promotion looks at them: nothing was trained, and no network is there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from mlflow.entities import LoggedModelOutput

from tasks.report.class_table import CLASS_FILES
from tasks.tracking import mlflow_client
from tasks.tracking.kept_predictions import TEST_PREDICTIONS_FILE, predictions_of
from tasks.tracking.outbox_entries import Attachment, DatasetUsed, End, Entry
from tasks.tracking.stored_run import DATASET_TAG
from tests.support.store import store

DIGEST = "3fa9c1d2e4b5" + "0" * 52
CLASSES = ("cat", "dog")
# Where a promotion is killed in tests/end_to_end/test_promote.py.
PROMOTION_POINTS = {
    *("judgement_counted", "model_named", "version_registered"),
    *("move_begun", "previous_set", "champion_set"),
}


def finished_run(
    right: Sequence[bool] | None,
    *,
    digest: str = DIGEST,
    classes: Sequence[str] = CLASSES,
    image_shape: tuple[int, int, int] = (16, 16, 1),
    name: str = "a run",
    tags: Mapping[str, str] | None = None,
    model: bool = True,
    table: bool = False,
) -> str:
    """Make a run that has finished.

    Args:
        right: Which of the test images it has right, whose labels are 0 and 1 in turn; none: it kept no predictions.
        digest: Of its data, which begins there.
        classes: Their names, by label.
        image_shape: (height, width, channels).
        name: Its name.
        tags: Beside, or instead of, what a completed training has.
        model: Whether it has stored a model, of which there is only the place.
        table: Whether it has a table of its classes, as those have that are tested by now.
    """
    all_tags = {"outcome": "completed", DATASET_TAG: digest, **(tags or {})}
    run_id = mlflow_client.create_run(mlflow_client.open_experiment("tests"), name, all_tags)
    source = json.dumps({"location": "made up", "directory": "nowhere"})
    features = json.dumps({"image": f"uint8 {image_shape}", "classes": list(classes)})
    entries: list[Entry] = [
        DatasetUsed(name="pets", digest=digest[:12], source=source, features=features, profile=json.dumps({"test": 8}))
    ]
    if table:
        lines = "\n".join(["class,support", *(f"{each},1" for each in classes)])
        entries.append(Attachment(name=CLASS_FILES["test"], content=lines.encode()))
    if right is not None:
        entries.append(Attachment(name=TEST_PREDICTIONS_FILE, content=predictions(right, len(classes))))
    for entry in [*entries, End(status="FINISHED", timestamp=1)]:
        mlflow_client.send(run_id, entry)
    if model:
        store_model(run_id)
    return run_id


def predictions(right: Sequence[bool], classes: int = 2) -> bytes:
    """What a run keeps of its test images: their labels are 0 and 1 in turn, and every second position is one."""
    hits = np.array(right, dtype=bool)
    label = np.arange(len(hits)) % 2
    predicted = np.where(hits, label, 1 - label)
    return predictions_of(2 * np.arange(len(hits)), label, predicted, np.eye(classes)[predicted]).packed()


def store_model(run_id: str) -> None:
    """Make a logged model of a run, as `mlflow_models.record_model` does, with nothing in it."""
    client = store()
    logged = client.create_logged_model(client.get_run(run_id).info.experiment_id, name="model", source_run_id=run_id)
    place = Path(logged.artifact_location.removeprefix("file://"))
    place.mkdir(parents=True)
    (place / "MLmodel").write_text("flavors: {}\n")
    client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, step=0)])

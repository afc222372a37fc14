"""The record of a run: what its tasks have to say, kept on disk first and sent to MLflow from there.

Each metric has one point a step, whatever was killed, retried or resumed: what is already kept is not kept again.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.foundation.log import task_log
from tasks.foundation.secrets_in_addresses import without_secrets
from tasks.tracking import mlflow_client
from tasks.tracking.outbox import Outbox
from tasks.tracking.outbox_entries import Attachment, DatasetUsed, Entry, Metrics, ModelFile, Tags

if TYPE_CHECKING:
    from served_model.description import ModelDescription
    from tasks.data.prepared import PreparedDataset


class Recorder:
    """What this process records in one run."""

    def __init__(self, run_id: str, directory: Path, *, again: bool = False) -> None:
        self.run_id = run_id
        self.outbox = Outbox(directory, partial(mlflow_client.send, run_id), again=again)
        self._points = {
            (name, entry.step) for entry in self.outbox.kept if isinstance(entry, Metrics) for name in entry.metrics
        }
        self._lock = threading.Lock()

    def put(self, entry: Entry) -> None:
        """Keep an entry, but of metrics only the points that are new."""
        if not isinstance(entry, Metrics):
            self.outbox.put(entry)
            return
        with self._lock:
            new = {name: value for name, value in entry.metrics.items() if (name, entry.step) not in self._points}
            if new:
                self.outbox.put(entry.model_copy(update={"metrics": new}))
                self._points |= {(name, entry.step) for name in new}

    def next_step(self, group: str) -> int:
        """Return the step after the last of the metrics whose names begin with ``group``."""
        return max((step for name, step in self._points if name.startswith(group)), default=-1) + 1


_recorders: dict[str, Recorder] = {}  # of the runs that this process records, by their id


@contextmanager
def recording(run_id: str, directory: Path) -> Iterator[Recorder]:
    """Let what the block records in a run go by way of the run's directory."""
    recorder = _recorders[run_id] = Recorder(run_id, directory)
    try:
        yield recorder
    finally:
        del _recorders[run_id]


def log_metrics(run_id: str, metrics: Mapping[str, float], *, step: int = 0) -> None:
    """Record metrics of one step: an epoch, from 1, or 0 for what a run has once, which MLflow compares by bars."""
    _put(run_id, Metrics(metrics=dict(metrics), step=step, timestamp=now()))


def set_tags(run_id: str, tags: Mapping[str, str]) -> None:
    """Set tags, cut to the length that MLflow takes."""
    _put(run_id, Tags(tags=dict(tags)))


def log_pictures(run_id: str, draw: Callable[[], Mapping[str, bytes]], what: str) -> None:
    """Store the files that ``draw`` returns by their names, the pictures of ``what``.

    A run does without a picture: whatever goes wrong in drawing it is told, and no more.
    """
    try:
        files = draw()
    except Exception as error:  # noqa: BLE001 - fonts, settings and names of others can make it fail in any way
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        task_log().warning("%s could not be drawn (%s). The run goes on without that picture.", what, reason)
        return
    for name, content in files.items():
        _put(run_id, Attachment(name=name, content=content))


def log_text(run_id: str, text: str, name: str) -> None:
    """Store a text as the file ``name``."""
    log_content(run_id, text.encode(), name)


def log_content(run_id: str, content: bytes, name: str) -> None:
    """Store a content as the file ``name``."""
    _put(run_id, Attachment(name=name, content=content))


def log_file(run_id: str, path: Path) -> None:
    """Store a file under its name; its content is kept until it is sent."""
    log_content(run_id, path.read_bytes(), path.name)


def log_dataset(run_id: str, prepared: PreparedDataset) -> None:
    """Record the prepared dataset as the run's input, with its digest."""
    height, width, channels = prepared.image_shape
    used = DatasetUsed(
        name=prepared.name,
        digest=prepared.digest[:12],  # MLflow shows it beside the name, and keeps at most 36 characters
        source=json.dumps({"location": without_secrets(prepared.location), "directory": str(prepared.directory)}),
        features=json.dumps({"image": f"uint8 ({height}, {width}, {channels})", "classes": prepared.classes}),
        profile=json.dumps(prepared.examples),
    )
    _put(run_id, used)


def log_model(run_id: str, path: Path, description: ModelDescription) -> None:
    """Store the model of a .keras file, which stays where it is until it is sent, with what is known of it."""
    shape, num_classes = description.image_shape, len(description.classes)
    _put(run_id, ModelFile(path=path, image_shape=shape, num_classes=num_classes, description=description))


def _put(run_id: str, entry: Entry) -> None:
    """Keep an entry until it is sent; outside of `tracked_run`, as in ``task.fn(...)``, send it at once."""
    if recorder := _recorders.get(run_id):
        recorder.put(entry)
    else:
        mlflow_client.send_now(run_id, entry)


def now() -> int:
    """Return milliseconds since 1970."""
    return int(time.time() * 1000)

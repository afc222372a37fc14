"""Look at a prepared dataset, once, and keep what is found beside it: a page for people, and its values as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from prefect import task

from tasks.data.load_or_write import lock_of
from tasks.data.prepared import PreparedDataset
from tasks.foundation.crash_points import crash_point
from tasks.foundation.durable_files import replacing
from tasks.inspection.inspection import Inspection, inspect
from tasks.report.dataset_page import dataset_page

DIRECTORY, PAGE, VALUES = "inspection", "dataset.html", "dataset.json"
FORMAT = 2  # raised whenever the page or the values change: pages of older versions are then made anew
# So many images are compared all with all in a second or two: no training waits longer than that for the page.
SOON_COMPARED = 20_000


@task
def record_dataset_page(prepared: PreparedDataset, run_id: str) -> None:
    """Store the page of a dataset with a run, and its values; both are made with the first run on that data.

    In sets of more than `SOON_COMPARED` images it is not looked for nearly equal ones, unless that was done before.
    """
    from tasks.tracking import record  # with MLflow, a second that who only looks at a dataset need not wait

    few = sum(prepared.examples.values()) <= SOON_COMPARED

    def drawn() -> dict[str, bytes]:
        page = inspected(prepared, near=few)[1]
        return {name: page.with_name(name).read_bytes() for name in (PAGE, VALUES)}

    record.log_pictures(run_id, drawn, "The page of the dataset")


def inspected(
    prepared: PreparedDataset, *, near: bool = True, advance: Callable[[int], None] = lambda _: None
) -> tuple[Inspection, Path]:
    """Return what is in a dataset, and the page that shows it; both are kept in the dataset's directory.

    Args:
        prepared: The dataset.
        near: Whether nearly equal images are looked for, if that was not done before.
        advance: As `inspect` takes it.
    """
    directory = prepared.directory / DIRECTORY
    with FileLock(lock_of(prepared.directory)):
        kept = _kept(directory)
        if kept is None or (near and not kept.near_compared):
            kept = inspect(prepared, near=near, advance=advance)
            with replacing(directory) as unfinished:
                (unfinished / PAGE).write_text(dataset_page(prepared, kept), encoding="utf-8")
                values = {"format": FORMAT, **kept.model_dump()}
                (unfinished / VALUES).write_text(json.dumps(values), encoding="utf-8")
                crash_point("dataset_inspected")
    return kept, directory / PAGE


def _kept(directory: Path) -> Inspection | None:
    """Return what was found by this version; none if it did not look yet."""
    path = directory / VALUES
    if not path.is_file() or not (directory / PAGE).is_file():
        return None
    values = json.loads(path.read_text(encoding="utf-8"))
    return Inspection.model_validate(values) if values.pop("format") == FORMAT else None

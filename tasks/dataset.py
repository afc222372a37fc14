"""Prepare a dataset, once: memory-mapped arrays at the model's input size, split, with digests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from filelock import FileLock
from prefect import Task, task
from prefect.client.schemas.objects import State, TaskRun

from tasks.data.preparation import Preparation, write_prepared
from tasks.data.prepared import DamagedError, PreparedDataset, load_prepared
from tasks.data.sources import open_source
from tasks.foundation.durable_files import storing
from tasks.foundation.errors import DownloadError, InputError
from tasks.foundation.log import task_log


def _may_pass(_task: Task[Any, Any], _task_run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.data, DownloadError)


@task(retries=3, retry_delay_seconds=[5, 20, 60], retry_condition_fn=_may_pass)
def prepare_dataset(
    dataset: str,
    *,
    image_size: int,
    validation_fraction: float,
    limit_examples: int | None = None,
    data_dir: str | None = None,
    download: bool = True,
) -> PreparedDataset:
    """Return ``dataset`` prepared at ``image_size``; made once below ``data/``, by one process, then verified.

    Raises:
        InputError: the dataset does not exist, cannot be had or read, is too small to be split, or its prepared
            files are damaged even after they were prepared again.
        DownloadError: a download broke off; Prefect tries it again, with growing delays.
        StorageError: the prepared files cannot be written.
    """
    how = Preparation(dataset, image_size, validation_fraction, limit_examples)
    directory = how.directory()
    with storing(directory):
        directory.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{directory}.lock"):
        if not directory.exists():
            write_prepared(directory, how, open_source(dataset, data_dir=data_dir, download=download))
        try:
            return load_prepared(directory)
        except DamagedError as damage:
            task_log().warning("The prepared file %s is damaged; the dataset is prepared again.", damage.path)
        write_prepared(directory, how, open_source(dataset, data_dir=data_dir, download=download))
        return _load_written_again(directory)


def _load_written_again(directory: Path) -> PreparedDataset:
    """Return what was damaged and was written again. Raises InputError if it is damaged all the same."""
    try:
        return load_prepared(directory)
    except DamagedError as damage:
        raise InputError(
            f"dataset: the prepared file {str(damage.path)!r} is damaged, and was so again after the dataset had "
            f"been prepared anew; check the disk, or work in a directory on another one"
        ) from damage

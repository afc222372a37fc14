"""Prepare a dataset, once: memory-mapped arrays at the model's input size, split, with digests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from filelock import FileLock
from prefect import Task, task
from prefect.client.schemas.objects import State, TaskRun

from served_model.fit import Fit
from tasks.data.bound_dataset import SHOWN_DIGITS, BoundDataset
from tasks.data.leaks import leaks_in_words
from tasks.data.load_or_write import load_or_write, lock_of
from tasks.data.preparation import Preparation, write_prepared
from tasks.data.prepared import PreparedDataset, load_prepared
from tasks.data.resplit import resplit
from tasks.data.units import KeepTogether
from tasks.foundation.durable_files import storing
from tasks.foundation.errors import DownloadError, InputError
from tasks.foundation.log import task_log
from tasks.sources.catalogue import identify, open_source
from tasks.sources.images import Source
from tasks.sources.tfds_location import location_lock


def _may_pass(_task: Task[Any, Any], _task_run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.data, DownloadError)


@task(retries=3, retry_delay_seconds=[5, 20, 60], retry_condition_fn=_may_pass)
def prepare_dataset(
    dataset: str,
    *,
    image_size: int,
    validation_fraction: float,
    limit_examples: int | None = None,
    fit: Fit = "stretch",
    classes: tuple[str, ...] | None = None,
    skip_broken: bool = False,
    keep_together: KeepTogether = "exact",
    split_seed: int = 0,
    data_dir: str | None = None,
    download: bool = True,
    bound: BoundDataset | None = None,
) -> PreparedDataset:
    """Return ``dataset`` prepared at ``image_size``; made once below ``data/``, by one process, then verified.

    Its validation images are those that `resplit` draws with ``split_seed``; the rest is as `Preparation` says.

    What goes on with a run, or belongs to a comparison, is ``bound`` to the dataset with which that began: it gets the
    copy that was prepared then, as long as that is there.

    Raises:
        InputError: the dataset does not exist, cannot be had or read, has labels that are none, is too small to be
            split, is not what it is bound to, or its prepared files are damaged even after they were prepared again.
        DownloadError: a download broke off; Prefect tries it again, with growing delays.
        StorageError: the prepared files cannot be written.
    """
    if bound and (kept := bound.prepared_copy()):
        return _told(resplit(kept, split_seed), _changed_since(bound, data_dir))
    source = _identified(dataset, data_dir=data_dir, download=download)
    how = Preparation(
        *(dataset, source, image_size, validation_fraction, limit_examples, fit, classes, skip_broken, keep_together)
    )
    opened = partial(open_source, dataset, data_dir=data_dir, download=download, reading=how.reading())
    prepared = _load_or_write(how, opened)
    if bound:
        bound.require_same(prepared)
    return _told(resplit(prepared, split_seed))


def _load_or_write(how: Preparation, source: Callable[[], Source]) -> PreparedDataset:
    """Return what lies on disk, verified; written by one process if it is not there, or damaged."""
    directory = how.directory()
    return load_or_write(
        directory,
        lambda: load_prepared(directory),
        lambda: write_prepared(directory, how, source()),
        lock=lock_of(directory),
        anew="the dataset is prepared again",
    )


def _identified(dataset: str, *, data_dir: str | None, download: bool) -> str:
    """Return what the dataset holds; a set of tensorflow-datasets is looked for, and downloaded, if it must be."""
    if identity := identify(dataset, data_dir):
        return identity
    lock = location_lock(dataset, data_dir)
    with storing(lock):
        lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):  # else two processes download it at once
        return identify(dataset, data_dir) or open_source(dataset, data_dir=data_dir, download=download).identity()


def _changed_since(bound: BoundDataset, data_dir: str | None) -> str:
    """Say so if the source of a prepared dataset is known not to be what it was."""
    try:
        now = identify(bound.name, data_dir)
    except InputError:
        return " What it was prepared from cannot be read any more."
    if not bound.source or now in (None, bound.source):
        return ""
    return " What it was prepared from holds other data by now, which is left alone: a run goes on with its own."


def _told(prepared: PreparedDataset, more: str = "") -> PreparedDataset:
    """Say which prepared copy is used, and how old it is; return it."""
    seed = prepared.split_seed
    validated = f" It is validated on the images that split_seed {seed} draws." if seed else ""
    if not prepared.redraws:
        validated = " It is validated on the validation images that it came with."
    task_log().info(
        "Using %s as it was prepared on %s: %s (from %s, digest %s).%s%s",
        *(prepared.name, f"{prepared.made_at():%Y-%m-%d %H:%M:%S}", prepared.directory),
        *(prepared.location, prepared.digest[:SHOWN_DIGITS]),
        *(validated, more),
    )
    if leaked := leaks_in_words(prepared):
        task_log().warning(
            "%s equal an image that is trained on (or, for the test, validated on): accuracies will be too good. Take "
            "these copies out of the data.",
            leaked,
        )
    return prepared

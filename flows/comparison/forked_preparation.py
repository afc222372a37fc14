"""The dataset of a comparison, prepared without the seconds that TensorFlow takes to be imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.parameters.compare import CompareParameters
from flows.workers.fork_server import START_METHOD, run_in_fork
from tasks.data.bound_dataset import BoundDataset
from tasks.data.preparation import Preparation
from tasks.data.prepared import DamagedError, PreparedDataset, load_prepared
from tasks.dataset import prepare_dataset
from tasks.sources.catalogue import identify
from tasks.terminal.messages import quiet_start
from tasks.training.device import hide_gpus


def prepare(p: CompareParameters, bound: BoundDataset | None = None) -> PreparedDataset:
    """Return the dataset, prepared by a process that has TensorFlow already, where that can do it.

    It cannot download, which is to be seen on the terminal, and what else stands in its way is to be told: then this
    process prepares the dataset itself.

    Args:
        p: What is compared on it.
        bound: The data that the comparison belongs to, if it is gone on with.
    """
    given = {**p.preparation(), **p.only("data_dir", "download")}
    if not bound or not bound.prepared_copy():
        directory = _directory(p)
        if (not directory or not directory.exists()) and START_METHOD == "forkserver":
            run_in_fork(_prepare, p.dataset, {**given, "download": False})
            directory = _directory(p)
        if not directory or not _is_whole(directory):
            with quiet_start():
                hide_gpus()
    prepared: PreparedDataset = prepare_dataset(p.dataset, **given, bound=bound)
    return prepared


def _directory(p: CompareParameters) -> Path | None:
    """Return where the dataset lies once it is prepared; none if its source has to be looked for."""
    source = identify(p.dataset, p.data_dir)
    return Preparation(p.dataset, source, **p.preparation()).directory() if source else None


def _prepare(dataset: str, given: dict[str, Any]) -> None:
    hide_gpus()
    prepare_dataset.fn(dataset, **given)


def _is_whole(directory: Path) -> bool:
    try:
        load_prepared(directory)
    except DamagedError:
        return False
    return True

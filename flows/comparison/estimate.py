"""How long a comparison will take, from a short try of its trainings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from distributed import Future
from prefect_dask import DaskTaskRunner

from flows.comparison.stored_study import missing_trials, study_dataset
from flows.comparison.training_time import TrainingTime
from flows.comparison.watch import result_of
from flows.comparison.worker_tasks import time_trial
from flows.parameters.compare import CompareParameters
from flows.parameters.train import TrainParameters
from flows.workers.dask_cluster import cluster_size, trials_at_a_time
from tasks.data.prepared import PreparedDataset
from tasks.dataset import prepare_dataset
from tasks.foundation.log import task_log
from tasks.terminal.progress import in_words
from tasks.tracking.store import tracking_uri
from tasks.training.device import usable_gpus
from tasks.training.threads import use_threads

RECORDING_SECONDS = 1.5  # of a trial, for its runs in MLflow and Prefect; measured with both stores in SQLite


def start_calibration(
    p: CompareParameters, missing: Sequence[TrainParameters], prepared: PreparedDataset, workers: DaskTaskRunner
) -> dict[int, Future]:
    """Have workers try a trial of each batch size for a moment, before all that is submitted later."""
    place, submit = (str(Path.cwd()), tracking_uri()), workers.client.submit
    return {
        trial.batch_size: submit(time_trial, trial, prepared, *place) for trial in one_for_each_batch_size(p, missing)
    }


def announce_estimate(
    p: CompareParameters,
    missing: Sequence[TrainParameters],
    prepared: PreparedDataset,
    tried: Mapping[int, Future],
    places: int,
    *,
    look: Callable[[], None],
) -> None:
    """Say about how long the missing trials will take on so many workers, from what `start_calibration` found.

    ``look`` is called while that is waited for.
    """
    times = {size: result_of(future, look) for size, future in tried.items()}
    seconds = estimated_seconds(missing, prepared, times, places)
    task_log().info("%s", _in_a_line(len(p.trials()) - len(missing), len(missing), places, seconds))


def estimate(p: CompareParameters) -> str:
    """Say what `compare` would have to run, and about how long it would take, from a short try in this process."""
    use_threads(p.threads)  # as a worker, and before anything is computed
    bound = study_dataset(p.resume) if p.resume else None
    prepared = prepare_dataset.fn(p.dataset, **p.preparation(), **p.only("data_dir", "download"), bound=bound)
    missing = missing_trials(p, p.resume) if p.resume else p.trials()
    place = str(Path.cwd()), tracking_uri()
    times = {trial.batch_size: time_trial(trial, prepared, *place) for trial in one_for_each_batch_size(p, missing)}
    places = cluster_size(p.dask_address) if p.dask_address else trials_at_a_time(p, len(usable_gpus(p.device)))
    seconds = estimated_seconds(missing, prepared, times, places)
    return _in_a_line(len(p.trials()) - len(missing), len(missing), places, seconds)


def one_for_each_batch_size(p: CompareParameters, missing: Sequence[TrainParameters]) -> list[TrainParameters]:
    """Return a trial of each batch size."""
    return list({trial.batch_size: trial for trial in missing or p.trials()}.values())


def _in_a_line(done: int, missing: int, places: int, seconds: float) -> str:
    said = f"{done} trials are done. " if done else ""
    return f"{said}{missing} trials, {places} at a time: about {in_words(seconds)}." if missing else said.strip()


def estimated_seconds(
    trials: Sequence[TrainParameters], prepared: PreparedDataset, times: Mapping[int, TrainingTime], places: int
) -> float:
    """Return how long the trials will take on so many workers, with the times measured for each batch size."""
    each = [
        RECORDING_SECONDS
        + times[trial.batch_size].seconds(
            epochs=trial.epochs, steps_per_epoch=prepared.steps_per_epoch(trial.batch_size, trial.repeat)
        )
        for trial in trials
    ]
    # The last trials leave workers idle: no less than whole rounds of the mean.
    return sum(each) / max(1, len(each)) * math.ceil(len(each) / places)

"""How long a comparison will take, from a short try of its trainings."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from distributed import Future
from prefect_dask import DaskTaskRunner

from flows.comparison.power import what_it_could_show
from flows.comparison.stored_study import study_dataset
from flows.comparison.stored_trials import Asked, next_trials
from flows.comparison.training_time import TrainingTime
from flows.comparison.watch import result_of
from flows.comparison.worker_tasks import time_trial
from flows.parameters.compare import CompareParameters
from flows.parameters.study_plan import fewest_and_most_trials, plan_of, training_of
from flows.parameters.train import TrainParameters
from flows.workers.dask_cluster import cluster_size, trials_at_a_time
from study.number_formats import counted
from study.plan import Plan
from study.rounds import next_round
from tasks.data.leaks import leaks_in_words
from tasks.data.prepared import PreparedDataset
from tasks.dataset import prepare_dataset
from tasks.foundation.log import task_log
from tasks.terminal.progress import in_words
from tasks.tracking.store import tracking_uri
from tasks.training.device import usable_gpus
from tasks.training.threads import use_threads

RECORDING_SECONDS = 1.5  # of a trial, for its runs in MLflow and Prefect; measured with both stores in SQLite


def start_calibration(
    asked: Sequence[Asked], study: str, prepared: PreparedDataset, workers: DaskTaskRunner
) -> dict[int, Future]:
    """Have workers try a trial of each batch size for a moment, before all that is submitted later."""
    place, submit = (str(Path.cwd()), tracking_uri(), study), workers.client.submit
    return {trial.batch_size: submit(time_trial, trial, prepared, *place) for trial in one_for_each_batch_size(asked)}


def announce_estimate(
    asked: Sequence[Asked],
    prepared: PreparedDataset,
    tried: Mapping[int, Future],
    places: int,
    *,
    look: Callable[[], None],
) -> None:
    """Say about how long this round will take on so many workers, from what `start_calibration` found.

    ``look`` is called while that is waited for.
    """
    times = {size: result_of(future, look) for size, future in tried.items()}
    task_log().info("%s", _in_a_line(asked, places, estimated_seconds(asked, prepared, times, places)))


def estimate(p: CompareParameters) -> str:
    """Say what `compare` would run and could show, and about how long it takes, from a short try in this process."""
    use_threads(p.threads)  # as a worker, and before anything is computed
    bound = study_dataset(p.resume) if p.resume else None
    prepared = prepare_dataset.fn(p.dataset, **p.preparation(), **p.only("data_dir", "download"), bound=bound)
    plan = plan_of(p, prepared.examples, redraws=prepared.redraws, leaked=leaks_in_words(prepared))
    asked = next_trials(p, p.resume, plan) if p.resume else begun_with(p, plan)
    if not asked:
        return "All trials are done."
    place = str(Path.cwd()), tracking_uri(), p.resume
    times = {trial.batch_size: time_trial(trial, prepared, *place) for trial in one_for_each_batch_size(asked)}
    places = cluster_size(p.dask_address) if p.dask_address else trials_at_a_time(p, len(usable_gpus(p.device)))
    said = [_in_a_line(asked, places, estimated_seconds(asked, prepared, times, places))]
    if not p.resume:
        each = estimated_seconds(asked, prepared, times, places=1) / len(asked)
        said += [_whole(fewest_and_most_trials(p), places, each), *what_it_could_show(plan, prepared.digest)]
    return "\n".join(said)


def begun_with(p: CompareParameters, plan: Plan) -> list[Asked]:
    """Return the trials of the first round."""
    return [Asked(planned.round, training_of(p, planned)) for planned in next_round(plan, ())]


def one_for_each_batch_size(asked: Sequence[Asked]) -> list[TrainParameters]:
    """Return a trial of each batch size."""
    return list({trial.batch_size: trial for _, trial in asked}.values())


def _in_a_line(asked: Sequence[Asked], places: int, seconds: float) -> str:
    less = ", or less, where patience ends trials early" if asked[0].parameters.patience else ""
    return f"This round: {counted(len(asked), 'trial')}, {places} at a time: about {in_words(seconds)}{less}."


def _whole(fewest_and_most: tuple[int, int], places: int, seconds: float) -> str:
    """Say what the whole comparison takes, given the seconds of one trial."""
    times = [in_words(seconds * math.ceil(trials / places)) for trials in fewest_and_most]
    fewest, most = fewest_and_most
    if fewest == most:
        return f"In all: {counted(fewest, 'trial')}, about {times[0]}."
    return (
        f"In all: {counted(fewest, 'trial')}, about {times[0]}, if the first look decides all; at most {most} trials, "
        f"about {times[1]}."
    )


def estimated_seconds(
    asked: Sequence[Asked], prepared: PreparedDataset, times: Mapping[int, TrainingTime], places: int
) -> float:
    """Return how long the trials will take on so many workers, with the times measured for each batch size."""
    each = [
        RECORDING_SECONDS
        + times[trial.batch_size].seconds(
            epochs=trial.epochs, steps_per_epoch=prepared.steps_per_epoch(trial.batch_size, trial.repeat)
        )
        for _, trial in asked
    ]
    # The last trials leave workers idle: no less than whole rounds of the mean.
    return sum(each) / max(1, len(each)) * math.ceil(len(each) / places)

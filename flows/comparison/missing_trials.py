"""Run the trials that a comparison lacks, then test the contender that it chose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

from prefect.runtime import flow_run
from prefect_dask import DaskTaskRunner

from flows.comparison.answer import chosen_runs
from flows.comparison.estimate import announce_estimate, start_calibration
from flows.comparison.scheduling import Tally, run_trials
from flows.comparison.stored_study import (
    CONCLUDED,
    find_trials,
    missing_trials,
    open_study,
    read_trials,
    trial_digest,
)
from flows.comparison.watch import Watch
from flows.comparison.worker_tasks import test_trial
from flows.lifecycle.crashed_flow_runs import close_task_runs
from flows.lifecycle.reconcile import Ended, reconcile
from flows.parameters.compare import CompareParameters
from flows.workers.dask_cluster import dask_workers, worker_count
from flows.workers.worker_check import require_fit_cluster
from study.statistics import compare_trials
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError, StoreAwayError, is_fault
from tasks.foundation.log import task_log
from tasks.terminal.messages import quiet_start
from tasks.tracking.store import tracking_uri
from tasks.tracking.store_outage import without_waiting
from tasks.tracking.stored_run import TRIAL_TAG, StoredRun


def is_complete(p: CompareParameters) -> bool:
    """Return whether the comparison ``p.resume`` has ended with its answer, and lacks nothing."""
    study = open_study(str(p.resume))
    ended = study.status == "FINISHED" and study.tags.get("outcome") == CONCLUDED
    return ended and not missing_trials(p, study.run_id) and not _untested(p, study.run_id)


def run_missing_trials(p: CompareParameters, study: str, prepared: PreparedDataset, *, log: Path) -> Tally:
    """Run the trials that are missing, then test the best contender; start no worker if all of it is done.

    ``log`` takes what the workers write.
    """
    missing = missing_trials(p, study)
    if not missing and not _untested(p, study):
        task_log().info("All %d trials are done.", len(p.trials()))
        return Tally(total=0)
    with _trials_closed(), dask_workers(p, log) as workers:
        if p.dask_address:
            require_fit_cluster(workers.client, study)
        tally = Tally(total=0)
        if missing:
            tried = start_calibration(p, missing, prepared, workers)
            told = partial(announce_estimate, p, missing, prepared, tried, worker_count(workers))
            watch = Watch(workers.client, study, guests=bool(p.dask_address))
            tally = run_trials(workers, missing, study, told, watch)
        open_study(study)  # should the store be away, this waits for it and says so; what follows says nothing
        _close_trials("FAILED")  # those whose worker died twice
        _test_chosen(p, study, prepared, workers)
    return tally


@contextmanager
def _trials_closed() -> Iterator[None]:
    """Close what the block's trials leave open in MLflow and Prefect, once their workers are gone."""
    try:
        yield
    except BaseException as error:
        try:
            with without_waiting():
                _close_trials("FAILED" if is_fault(error) else "KILLED")
        except (InputError, StoreAwayError) as away:  # what ended the block is to be told, and not this
            task_log().warning("%s. What trials have left open is closed when the next training starts.", away)
        raise
    finally:
        close_task_runs(UUID(flow_run.id))


def _close_trials(ended: Ended) -> None:
    with quiet_start():  # a model that a trial could not send needs TensorFlow
        told = reconcile(ended=ended)
    for done in told:
        task_log().info("%s", done)


def _test_chosen(p: CompareParameters, study: str, prepared: PreparedDataset, workers: DaskTaskRunner) -> None:
    """Evaluate the best contender's trials on the test split: theirs alone, and each once."""
    trials = {trial_digest(study, trial): trial for trial in p.trials()}
    place = {"directory": str(Path.cwd()), "tracking_uri": tracking_uri()}
    futures = [
        workers.submit(
            test_trial,
            parameters={
                "run_id": run.run_id,
                "given": trials[run.tags[TRIAL_TAG]].model_dump(),
                "prepared": prepared,
                **place,
            },
        )
        for run in _untested(p, study)
    ]
    for future in futures:
        future.result()


def _untested(p: CompareParameters, study: str) -> list[StoredRun]:
    """Return the runs of the best contender that have not seen the test split."""
    runs = {run.run_id: run for run in find_trials(study)}
    chosen = chosen_runs(compare_trials(read_trials(runs.values()), p.target))
    return [runs[run_id] for run_id in chosen if runs[run_id].test_accuracy is None]

"""Compare optimizers, losses and settings: many trainings side by side, one answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

from prefect import flow
from prefect.runtime import flow_run
from prefect_dask import DaskTaskRunner

from flows.comparison.conclusion import CompareResult, chosen_runs, conclude
from flows.comparison.estimate import announce_estimate, start_calibration
from flows.comparison.preparation import prepare
from flows.comparison.scheduling import MOST_FAILURES_IN_A_ROW, Tally, run_trials
from flows.comparison.stored_study import (
    find_trials,
    missing_trials,
    read_trials,
    resumed_study,
    study_directory,
    study_tags,
)
from flows.comparison.worker_tasks import test_trial
from flows.lifecycle.flow_run import claimed_run, name_from, run_claimed
from flows.lifecycle.prefect_artifacts import publish_link
from flows.lifecycle.reconcile import FLOW_RUN_TAG, Ended, close_task_runs, reconcile
from flows.lifecycle.resume import given_to_flow
from flows.parameters.compare import CompareParameters, digest_of
from flows.parameters.signature import flat_signature
from flows.workers.dask_cluster import dask_workers, worker_count
from study.statistics import compare_trials
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import TrialsError
from tasks.foundation.log import task_log
from tasks.tracking import mlflow_client, record
from tasks.tracking.claim import Claim
from tasks.tracking.run import tracked_run
from tasks.tracking.store import tracking_uri
from tasks.tracking.stored_run import FLOW_TAG, TRIAL_TAG, StoredRun, resume_command

WORKERS_LOG = "workers.log"


def run_compare(parameters: CompareParameters) -> CompareResult:
    """Run the flow `compare` under a claim made beforehand, by which its flow run is found should it be killed."""
    with _claimed(parameters.resume) as claimed:
        return CompareResult.model_validate(run_claimed(compare, parameters.model_dump(), claimed))


def _claimed(resume: str | None) -> AbstractContextManager[Claim]:
    return claimed_run(resume, study_directory)


@flow(name="compare", flow_run_name=name_from(CompareParameters), validate_parameters=False)
@flat_signature(CompareParameters)
def compare(parameters: CompareParameters) -> CompareResult:
    """Train once for each optimizer, learning rate, loss, batch size and seed, and say which is best."""
    p = resumed_study(given_to_flow(parameters)) if parameters.resume else parameters
    experiment_id = mlflow_client.open_experiment(p.experiment)
    prepared = prepare(p)
    described = {
        FLOW_TAG: "compare",
        FLOW_RUN_TAG: flow_run.id or "",
        "prefect.flow_run_url": flow_run.ui_url or "",
        "mlflow.source.name": "flows/compare.py",
        **study_tags(p, prepared),
    }
    with (
        _claimed(p.resume) as claimed,
        tracked_run(
            *(claimed, experiment_id, p.display_name(), p.recorded(), described), resumed=p.resume, measured=False
        ) as study,
    ):
        publish_link(study.url)
        record.log_dataset(study.run_id, prepared)
        tally = run_what_is_missing(p, study.run_id, prepared, study.directory / WORKERS_LOG)
        result = conclude(study.run_id)
        claimed.result = result
        if tally.failed_in_a_row == MOST_FAILURES_IN_A_ROW:
            raise TrialsError(
                f"{MOST_FAILURES_IN_A_ROW} trials in a row failed, the last: {tally.reasons[-1]}. "
                f"What is there: {result.page}. Go on with the rest: {resume_command(study.run_id, described)}"
            )
    return result


def run_what_is_missing(p: CompareParameters, study: str, prepared: PreparedDataset, log: Path) -> Tally:
    """Run the trials that are missing, then test the best contender; start no worker if all of it is done."""
    missing = missing_trials(p, find_trials(study))
    if not missing and not _untested(p, study):
        task_log().info("All %d trials are done.", len(p.trials()))
        return Tally(total=0)
    with trials_closed(), dask_workers(p, log) as workers:
        tally = Tally(total=0)
        if missing:
            tried = start_calibration(p, missing, prepared, workers)
            told = partial(announce_estimate, p, missing, prepared, tried, worker_count(workers))
            tally = run_trials(workers, missing, study, told)
        _close_trials("FAILED")  # those whose worker died twice
        test_chosen(p, study, prepared, workers)
    return tally


@contextmanager
def trials_closed() -> Iterator[None]:
    """Close what the block's trials leave open in MLflow and Prefect, once their workers are gone."""
    try:
        yield
    except BaseException as error:
        _close_trials("FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    finally:
        close_task_runs(UUID(flow_run.id))


def _close_trials(ended: Ended) -> None:
    for done in reconcile(ended=ended):
        task_log().info("%s", done)


def test_chosen(p: CompareParameters, study: str, prepared: PreparedDataset, workers: DaskTaskRunner) -> None:
    """Evaluate the best contender's trials on the test split: theirs alone, and each once."""
    trials = {digest_of(trial): trial for trial in p.trials()}
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
    return [runs[run_id] for run_id in chosen if "test/accuracy" not in runs[run_id].metrics]

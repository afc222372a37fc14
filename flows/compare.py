"""Compare optimizers, losses and settings: many trainings side by side, one answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import UUID

from prefect import flow
from prefect.runtime import flow_run
from prefect_dask import DaskTaskRunner

from flows.artifacts import publish_link
from flows.claimed import claimed_run, run_claimed
from flows.compare_parameters import CompareParameters, digest_of
from flows.conclusion import CompareResult, chosen_runs, conclude
from flows.parameters import TrainParameters
from flows.reconcile import FLOW_RUN_TAG, Ended, close_task_runs, reconcile
from flows.resume import given_to_flow
from flows.signature import flat, validated
from flows.study import find_trials, missing_trials, read_trials, resumed_study, study_directory, study_tags
from flows.trial import calibrate, test_trial
from flows.trials import MOST_FAILURES_IN_A_ROW, run_trials
from flows.workers import cluster_size, cores, dask_workers, worker_count
from tasks import record, tracking
from tasks.calibration import Pace
from tasks.claim import Claim
from tasks.dataset import prepare_dataset
from tasks.device import hide_gpus, limit_threads
from tasks.errors import InputError, TrialsError
from tasks.log import task_log
from tasks.prepared import PreparedDataset
from tasks.progress import in_words
from tasks.run import tracked_run
from tasks.statistics import compare_trials
from tasks.stored_run import FLOW_TAG, TRIAL_TAG, way_on

RECORDING_SECONDS = 3  # of a trial, for its runs in MLflow and Prefect; measured with both stores in SQLite
WORKERS_LOG = "workers.log"


def run_compare(parameters: CompareParameters) -> CompareResult:
    """Run the flow `compare` under a claim made beforehand, by which its flow run is found should it be killed."""
    with _claimed(parameters.resume) as claimed:
        return CompareResult.model_validate(run_claimed(compare, parameters.model_dump(), claimed))


def _claimed(resume: str | None) -> AbstractContextManager[Claim]:
    return claimed_run(resume, study_directory)


def _flow_run_name() -> str:
    try:
        parameters = validated(CompareParameters, flow_run.parameters)
    except InputError:  # the flow itself says what is wrong
        return "compare with bad input"
    return f"resume {parameters.resume}" if parameters.resume else parameters.display_name()


@flow(name="compare", flow_run_name=_flow_run_name, validate_parameters=False)
@flat(CompareParameters)
def compare(parameters: CompareParameters) -> CompareResult:
    """Train once for each optimizer, learning rate, loss, batch size and seed, and say which is best."""
    p = resumed_study(given_to_flow(parameters)) if parameters.resume else parameters
    hide_gpus()
    experiment_id = tracking.open_experiment(p.experiment)
    prepared = prepare_dataset(
        p.dataset, **p.only("image_size", "validation_fraction", "limit_examples", "data_dir", "download")
    )
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
        missing = missing_trials(p, find_trials(study.run_id))
        with trials_closed(), dask_workers(p.workers, p.dask_address, study.directory / WORKERS_LOG) as workers:
            device = announce(p, missing, prepared, workers)
            tally = run_trials(workers, missing, study.run_id)
            _close_trials("FAILED")  # those whose worker died twice
            test_chosen(p, study.run_id, prepared, device, workers)
        result = conclude(study.run_id)
        claimed.result = result
        if tally.failed_in_a_row == MOST_FAILURES_IN_A_ROW:
            raise TrialsError(
                f"{MOST_FAILURES_IN_A_ROW} trials in a row failed, the last: {tally.reasons[-1]}. "
                f"What is there: {result.page}. Go on with the rest: {way_on(study.run_id, described)}"
            )
    return result


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


def announce(
    p: CompareParameters, missing: Sequence[TrainParameters], prepared: PreparedDataset, workers: DaskTaskRunner
) -> str:
    """Say about how long the missing trials will take, from a short try on a worker; return the device it used."""
    place = str(Path.cwd()), tracking.tracking_uri()
    tried = {
        trial.batch_size: workers.client.submit(calibrate, trial, prepared, *place) for trial in samples(p, missing)
    }
    paces = {size: future.result() for size, future in tried.items()}
    at_a_time = worker_count(workers)
    seconds = estimated_seconds(missing, prepared, {size: pace for size, (pace, _) in paces.items()}, at_a_time)
    done = len(p.trials()) - len(missing)
    task_log().info("%s", _in_a_line(done, len(missing), at_a_time, seconds))
    device: str = next(device for _, device in paces.values())
    return device


def estimate(p: CompareParameters) -> str:
    """Say what `compare` would have to run, and about how long it would take, from a short try in this process."""
    limit_threads(1)  # as a worker, and before anything is computed
    prepared = prepare_dataset.fn(
        p.dataset, **p.only("image_size", "validation_fraction", "limit_examples", "data_dir", "download")
    )
    missing = missing_trials(p, find_trials(p.resume)) if p.resume else p.trials()
    place = str(Path.cwd()), tracking.tracking_uri()
    paces = {trial.batch_size: calibrate(trial, prepared, *place)[0] for trial in samples(p, missing)}
    at_a_time = p.workers or (cluster_size(p.dask_address) if p.dask_address else cores())
    seconds = estimated_seconds(missing, prepared, paces, at_a_time)
    return _in_a_line(len(p.trials()) - len(missing), len(missing), at_a_time, seconds)


def samples(p: CompareParameters, missing: Sequence[TrainParameters]) -> list[TrainParameters]:
    """Return a trial of each batch size."""
    return list({trial.batch_size: trial for trial in missing or p.trials()}.values())


def _in_a_line(done: int, missing: int, at_a_time: int, seconds: float) -> str:
    said = f"{done} trials are done. " if done else ""
    return f"{said}{missing} trials, {at_a_time} at a time: about {in_words(seconds)}." if missing else said.strip()


def estimated_seconds(
    trials: Sequence[TrainParameters], prepared: PreparedDataset, paces: Mapping[int, Pace], at_a_time: int
) -> float:
    """Return how long the trials will take, with the pace that was measured for each batch size."""
    each = [
        RECORDING_SECONDS
        + paces[trial.batch_size].seconds(
            epochs=trial.epochs, steps_per_epoch=prepared.steps_per_epoch(trial.batch_size, trial.repeat)
        )
        for trial in trials
    ]
    # The last trials leave workers idle: no less than whole rounds of the mean.
    return sum(each) / max(1, len(each)) * math.ceil(len(each) / at_a_time)


def test_chosen(
    p: CompareParameters, study: str, prepared: PreparedDataset, device: str, workers: DaskTaskRunner
) -> None:
    """Evaluate the best contender's trials on the test split: theirs alone, and each once."""
    runs = {run.run_id: run for run in find_trials(study)}
    trials = {digest_of(trial): trial for trial in p.trials()}
    place = {"directory": str(Path.cwd()), "tracking_uri": tracking.tracking_uri()}
    chosen = [runs[run_id] for run_id in chosen_runs(compare_trials(read_trials(runs.values()), p.target))]
    futures = [
        workers.submit(
            test_trial,
            parameters={
                "run_id": run.run_id,
                "given": trials[run.tags[TRIAL_TAG]].model_dump(),
                "prepared": prepared,
                "device": device,
                **place,
            },
        )
        for run in chosen
        if "test/accuracy" not in run.metrics
    ]
    for future in futures:
        future.result()

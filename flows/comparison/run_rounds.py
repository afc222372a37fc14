"""Run the rounds of a comparison, one after the other, then test the contender that it recommends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

from prefect.runtime import flow_run
from prefect_dask import DaskTaskRunner

from flows.comparison.answer import chosen_runs
from flows.comparison.estimate import announce_estimate, start_calibration
from flows.comparison.scheduling import Tally, run_trials
from flows.comparison.stored_study import CONCLUDED, find_trials, open_study, stored_plan
from flows.comparison.stored_trials import Asked, next_trials, read_trials
from flows.comparison.watch import Watch
from flows.comparison.worker_tasks import test_trial
from flows.lifecycle.crashed_flow_runs import close_task_runs
from flows.lifecycle.reconcile import Ended, reconcile
from flows.parameters.compare import CompareParameters
from flows.parameters.study_plan import plan_of, training_of
from flows.workers.dask_cluster import dask_workers, worker_count
from flows.workers.worker_check import require_fit_cluster
from study.comparison import Trial
from study.number_formats import counted
from study.plan import Plan, PlannedTrial
from study.statistics import compare_trials
from tasks.data.leaks import leaks_in_words
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError, StoreAwayError, is_fault
from tasks.foundation.log import task_log
from tasks.terminal.messages import quiet_start
from tasks.tracking.store import tracking_uri
from tasks.tracking.store_outage import without_waiting
from tasks.tracking.stored_run import FLOW_TAG, resume_command


def is_complete(p: CompareParameters) -> bool:
    """Return whether the comparison ``p.resume`` has ended with its answer, and lacks nothing."""
    study = open_study(str(p.resume))
    ended, plan = study.status == "FINISHED" and study.tags.get("outcome") == CONCLUDED, stored_plan(study)
    return ended and not next_trials(p, study.run_id, plan) and not _untested(study.run_id, plan)


def run_rounds(p: CompareParameters, study: str, prepared: PreparedDataset, *, log: Path) -> Tally:
    """Run what is missing, round by round, then test what is recommended; start no worker if all of it is done.

    ``log`` takes what the workers write.
    """
    plan = plan_of(p, prepared.examples, redraws=prepared.redraws, leaked=leaks_in_words(prepared))
    asked, tally = next_trials(p, study, plan), Tally()
    if not asked and not _untested(study, plan):
        task_log().info("All trials are done.")
        return tally
    with _trials_closed(tally), dask_workers(p, log) as workers:
        if p.dask_address:
            require_fit_cluster(workers.client, study)
        watch = Watch(workers.client, study, guests=bool(p.dask_address))
        if asked:
            tried = start_calibration(asked, study, prepared, workers)
            told: Callable[[], None]
            told = partial(announce_estimate, asked, prepared, tried, worker_count(workers), look=watch.look)
            while asked and not tally.given_up:
                run_trials(workers, asked, study, announce=told, watch=watch, tally=tally)
                told = _nothing
                before, asked = asked, next_trials(p, study, plan, tally.failed)
                _require_progress(before, asked, study)
        open_study(study)  # should the store be away, this waits for it and says so; what follows says nothing
        _close_trials("FAILED")  # those whose worker died twice
        _test_chosen(p, study, plan, prepared, workers)
    return tally


def _require_progress(before: Sequence[Asked], asked: Sequence[Asked], study: str) -> None:
    """Raise StoreAwayError if the store has nothing of a round that has ended: the same would run again, and again."""
    if before == asked:
        go_on = resume_command(study, {FLOW_TAG: "compare"})
        raise StoreAwayError(
            f"MLflow has no result of {counted(len(asked), 'trial')} whose training has ended; "
            f"what it lacks is sent when it answers. Go on then: {go_on}"
        )


def _nothing() -> None:
    """Announce nothing: only the first round knows how long trials take from a short try."""


@contextmanager
def _trials_closed(tally: Tally) -> Iterator[None]:
    """Close what the block's trials leave open in MLflow and Prefect, once their workers are gone."""
    try:
        yield
        if tally.given_up:  # while a trial was still going on, whose worker ended with the others
            _close_trials("KILLED")
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


def _test_chosen(
    p: CompareParameters, study: str, plan: Plan, prepared: PreparedDataset, workers: DaskTaskRunner
) -> None:
    """Evaluate the models of the contender that is recommended on the test split: these alone, and each once."""
    place = {"directory": str(Path.cwd()), "tracking_uri": tracking_uri(), "prepared": prepared}
    futures = [
        workers.submit(
            test_trial,
            parameters={"run_id": trial.run_id, "given": given.model_dump(), **place},
        )
        for trial in _untested(study, plan)
        for given in [training_of(p, _planned(trial), redraws=plan.redraws)]
    ]
    for future in futures:
        future.result()


def _untested(study: str, plan: Plan) -> list[Trial]:
    """Return the trials of the contender that is recommended that have not seen the test split."""
    runs = {run.run_id: run for run in find_trials(study)}
    comparison = compare_trials(plan, read_trials(runs.values()))
    chosen = {run_id for run_id in chosen_runs(comparison) if runs[run_id].tested() is None}
    return [trial for trial in comparison.trials if trial.run_id in chosen]


def _planned(trial: Trial) -> PlannedTrial:
    described = trial.model_dump(include={"optimizer", "loss", "batch_size", "learning_rate", "seed"})
    return PlannedTrial(round="confirm" if trial.confirms else "tune", **described)

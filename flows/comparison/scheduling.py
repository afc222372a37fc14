"""Run the trials of a comparison on its workers, and tell how they go."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from distributed import Client, Future
from prefect_dask import DaskTaskRunner

from flows.comparison.stored_study import find_trials
from flows.comparison.stored_trials import Asked
from flows.comparison.watch import Watch, as_they_end
from flows.comparison.worker_tasks import STORE_AWAY, run_trial, trials_running
from flows.parameters.train import TrainParameters
from flows.workers.dask_cluster import worker_count
from study.metric import NAMES
from study.number_formats import counted
from study.short_names import short_name
from tasks.foundation.errors import InputError, StoreAwayError, TrialsError
from tasks.foundation.log import task_log
from tasks.terminal.progress import trials_progress
from tasks.tracking.store import tracking_uri
from tasks.tracking.store_outage import without_waiting
from tasks.tracking.stored_run import FLOW_TAG, resume_command

MOST_FAILURES_IN_A_ROW = 3
STOP_SECONDS = 5  # for trials to save a checkpoint, before their processes are ended


@dataclass
class Tally:
    """How the trials of a comparison stand.

    Attributes:
        total: Trials of this round; ``done`` of them have ended.
        failed: Those of all rounds that failed; ``reasons`` says why.
        best: Highest score so far, and of which trial.
    """

    total: int = 0
    done: int = 0
    failed_in_a_row: int = 0
    failed: list[TrainParameters] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    best: tuple[float, str] = (0.0, "")
    started: float = field(default_factory=time.monotonic)

    @property
    def given_up(self) -> bool:
        """Whether so many trials failed, one after the other, that no more are begun."""
        return self.failed_in_a_row >= MOST_FAILURES_IN_A_ROW

    def begin(self, total: int) -> None:
        """Begin a round of so many trials."""
        self.total, self.done, self.started = total, 0, time.monotonic()

    def seconds_left(self) -> float:
        """Return the time that the rest of the round takes, if it goes on as until now."""
        return (time.monotonic() - self.started) / self.done * (self.total - self.done)


def run_trials(
    workers: DaskTaskRunner,
    asked: Sequence[Asked],
    study: str,
    *,
    announce: Callable[[], None],
    watch: Watch,
    tally: Tally,
) -> None:
    """Run every trial of a round, wherever a worker is free, and call ``announce`` first; count them in ``tally``.

    Three failures in a row end that. Whatever ends it early, the trials that are going on are stopped first, so that
    they can be gone on with.

    Raises:
        StoreAwayError: a trial waited for the MLflow store in vain.
    """
    place = {"directory": str(Path.cwd()), "tracking_uri": tracking_uri(), "study": study}
    submitted: dict[Future, TrainParameters] = {}
    for round_, trial in asked:
        given = {"name": f"{round_} {trial.display_name()}", "given": trial.model_dump(), "round_": round_, **place}
        submitted[workers.submit(run_trial, parameters=given).wrapped_future] = trial
    tally.begin(len(asked))
    at_a_time = worker_count(workers)
    try:
        task_log().info("%s", in_words(asked))
        announce()
        with trials_progress(len(asked)) as show:
            show(tally.done, min(at_a_time, tally.total), len(tally.failed), tally.best, None)
            for future in as_they_end(workers.client, list(submitted), watch.look):
                _count(tally, submitted[future], study, _failure(future))
                if tally.given_up:
                    break
                running = min(at_a_time, tally.total - tally.done)
                show(tally.done, running, len(tally.failed), tally.best, tally.seconds_left())
    except BaseException:
        _stop_trials(workers.client, list(submitted))
        raise
    if tally.done < tally.total:
        _stop_trials(workers.client, list(submitted))


def in_words(asked: Sequence[Asked]) -> str:
    """Say what a round is for."""
    trials, first = counted(len(asked), "trial"), asked[0].round
    if first == "tune":
        return f"Tuning: {trials}, to choose each learning rate."
    if first == "extend":
        rates = {(trial.optimizer, trial.learning_rate) for _, trial in asked}
        added = ", ".join(f"{short_name(optimizer)} {rate:g}" for optimizer, rate in sorted(rates))
        return f"Extending: {trials}, because the best learning rate was an outermost one: {added}."
    seeds = sorted({trial.seed for _, trial in asked})
    return f"Confirming: {trials}, on the fresh seeds {seeds[0]} to {seeds[-1]}."


def _stop_trials(client: Client, futures: list[Future]) -> None:
    """Take tasks back, and wait for the trials among them to save a checkpoint and end their runs."""
    client.cancel(futures, force=True)
    deadline = time.monotonic() + STOP_SECONDS
    while any(client.run(trials_running, on_error="return").values()) and time.monotonic() < deadline:
        time.sleep(0.1)


def require_success(tally: Tally, study: str, page: Path) -> None:
    """Raise TrialsError if the comparison was given up, because one trial after the other failed."""
    if tally.given_up:
        raise TrialsError(
            f"{MOST_FAILURES_IN_A_ROW} trials in a row failed, the last: {tally.reasons[-1]}. What is there: {page}. "
            f"Go on with the rest: {resume_command(study, {FLOW_TAG: 'compare'})}"
        )


def _failure(future: Future) -> str:
    """Return why a trial failed; nothing if it did not. Raises StoreAwayError if an outage ended it."""
    if future.status != "finished":  # Dask's own words for a worker that died twice speak of its keys
        return "its worker died, twice" if future.status == "error" else "the Dask cluster gave it up"
    state = future.result()
    if state.name == STORE_AWAY:
        raise StoreAwayError(state.message)
    return "" if state.is_completed() else state.message or state.name


def _count(tally: Tally, trial: TrainParameters, study: str, failure: str) -> None:
    """Count a trial that has ended, and say what it came to."""
    tally.done += 1
    name = trial.display_name()
    if failure:
        tally.failed_in_a_row += 1
        tally.failed.append(trial)
        tally.reasons.append(f"{name}: {failure}")
        task_log().warning("Trial %d of %d failed: %s: %s", tally.done, tally.total, name, failure)
        return
    tally.failed_in_a_row = 0
    task_log().info("Trial %d of %d: %s: %s", tally.done, tally.total, name, _came_to(tally, trial, study))


def _came_to(tally: Tally, trial: TrainParameters, study: str) -> str:
    """Return what a trial came to, as far as MLflow can tell: what it does not have yet is sent later."""
    try:
        with without_waiting():
            runs = [run for run in find_trials(study, trial) if run.status == "FINISHED"]
    except (InputError, StoreAwayError) as error:
        return f"done, but {error}"
    if not runs:
        return "done, but MLflow does not have all of it yet"
    if runs[0].tags["outcome"] == "diverged":
        return f"diverged ({runs[0].tags['reason']})"
    score = runs[0].metrics[f"{'best_validation_' if trial.keep == 'best' else 'validation/'}{trial.metric}"]
    tally.best = max(tally.best, (score, trial.display_name()))
    return f"validation {NAMES[trial.metric]} {score:.4f}"

"""One trial of a comparison: a training run on a worker of a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any
from uuid import UUID

import keras
from distributed import get_worker
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.context import SettingsContext, get_settings_context
from prefect.runtime import task_run
from prefect.states import Cancelled

from flows.claimed import run_claimed
from flows.compare_parameters import digest_of
from flows.parameters import TrainParameters
from flows.reconcile import settle
from flows.signature import validated
from flows.study import find_trials
from flows.train import train
from tasks import tracking
from tasks.calibration import Pace, measure_pace
from tasks.claim import HeldError, claim
from tasks.device import limit_threads, select_device
from tasks.errors import InputError, portable_errors
from tasks.evaluate import evaluate_model
from tasks.interruption import StoppedError, asked_to_stop
from tasks.log import task_log
from tasks.model import compile_model
from tasks.prepared import PreparedDataset
from tasks.run import resumable
from tasks.stored_run import STUDY_TAG, TRIAL_TAG, StoredRun

POLL_SECONDS = 0.2
_running: set[str] = set()  # the trials in this process, by their digest


@task(name="trial", task_run_name="{name}", cache_policy=NO_CACHE)
def run_trial(name: str, given: Mapping[str, Any], study: str, directory: str, tracking_uri: str) -> Any:  # noqa: ARG001
    """Train once, as a part of a comparison, unless that is done; go on with what an earlier attempt has left.

    Args:
        name: What Prefect shows.
        given: The parameters of the training.
        study: The MLflow run of the comparison.
        directory: Where the comparison works, and this trial too if this machine has it.
        tracking_uri: The store of the comparison.

    Returns:
        The state Cancelled if the comparison wants it no more.
    """
    settle_in(directory, tracking_uri)
    parent = UUID(task_run.id)
    try:
        _in_a_thread(lambda: train_trial(validated(TrainParameters, given), study, parent), _wanted())
    except StoppedError:
        return Cancelled(message="The comparison was ended.")
    return None


def settle_in(directory: str, tracking_uri: str) -> None:
    """Let this process work where the comparison does, record where it does, and compute with one thread."""
    if Path(directory).is_dir():
        os.chdir(directory)
    os.environ["MLFLOW_TRACKING_URI"] = tracking_uri
    limit_threads(1)


@portable_errors
def train_trial(parameters: TrainParameters, study: str, parent_task_run_id: UUID | None = None) -> None:
    """Train, unless that is done, and record it as a child of the run ``study``."""
    digest = digest_of(parameters)
    _running.add(digest)
    try:
        attempts = find_trials(study, digest)
        if any(attempt.status == "FINISHED" for attempt in attempts):
            return
        if any(_goes_on(attempt, parameters, study, parent_task_run_id) for attempt in attempts):
            return
        with claim() as claimed:
            claimed.tags = tags_of(parameters, study)
            run_claimed(train, parameters.model_dump(), claimed, parent_task_run_id=parent_task_run_id)
    finally:
        _running.discard(digest)
        keras.utils.clear_session()


def _goes_on(attempt: StoredRun, parameters: TrainParameters, study: str, parent: UUID | None) -> bool:
    """Go on with an attempt that did not finish; return whether its trial is done then."""
    try:
        directory, _ = resumable(attempt.run_id)
        settle(directory)  # what its process has left open in Prefect, and unsent
        if tracking.get_run(attempt.run_id).status == "FINISHED":
            return True
        with claim(directory) as claimed:
            claimed.tags = tags_of(parameters, study)
            given = parameters.model_copy(update={"resume": attempt.run_id}).model_dump()
            run_claimed(train, given, claimed, parent_task_run_id=parent)
    except (HeldError, InputError) as error:  # it goes on elsewhere, or its files are on another machine
        task_log().info("Trial %s starts anew: %s", parameters.display_name(), error)
        return False
    return True


@task(name="test", task_run_name="test {run_id}", cache_policy=NO_CACHE)
def test_trial(
    run_id: str,
    given: Mapping[str, Any],
    prepared: PreparedDataset,
    directory: str,
    tracking_uri: str,
) -> None:
    """Evaluate the model that a trial has stored on the test split, and record that in the trial's run."""
    settle_in(directory, tracking_uri)
    evaluate_trial(run_id, validated(TrainParameters, given), prepared)


@portable_errors
def evaluate_trial(run_id: str, parameters: TrainParameters, prepared: PreparedDataset) -> None:
    """Evaluate the model that a trial has stored on the test split, and record that in the trial's run."""
    device = select_device(parameters.device)
    with TemporaryDirectory() as name:
        stored = tracking.download_model(run_id, Path(name))  # without its loss
        model = compile_model.fn(stored, Path(name), **_recipe(parameters, prepared), device=device)
        evaluate_model.fn(model, prepared, run_id, device=device)


@portable_errors
def calibrate(parameters: TrainParameters, prepared: PreparedDataset, directory: str, tracking_uri: str) -> Pace:
    """Return what a training takes here."""
    settle_in(directory, tracking_uri)
    return measure_pace(
        prepared,
        model=parameters.model,
        batch_size=parameters.batch_size,
        device=select_device(parameters.device),
        recipe=_recipe(parameters, prepared),
    )


def _recipe(parameters: TrainParameters, prepared: PreparedDataset) -> dict[str, Any]:
    steps = prepared.steps_per_epoch(parameters.batch_size, parameters.repeat)
    return {**parameters.recipe(), "steps_per_epoch": steps}


def tags_of(parameters: TrainParameters, study: str) -> dict[str, str]:
    """Return the tags that make a run a child of a study, and by which MLflow groups and filters it."""
    varied = parameters.only("optimizer", "learning_rate", "loss", "batch_size", "seed")
    return {
        "mlflow.parentRunId": study,
        STUDY_TAG: study,
        TRIAL_TAG: digest_of(parameters),
        **{name: str(value) for name, value in varied.items()},
    }


def trials_running() -> int:
    """Return how many trials go on in this process."""
    return len(_running)


def _wanted() -> Callable[[], bool]:
    """Return what tells whether the comparison still waits for the task of this thread.

    The scheduler takes a task back when the comparison cancels it, and when the comparison's process is gone.
    """
    worker = get_worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        state = worker.state.tasks.get(key)
        return state is not None and state.state == "executing"

    return wanted


def _in_a_thread(work: Callable[[], None], wanted: Callable[[], bool]) -> None:
    """Do the work in a thread that knows of no run of Prefect's, and ask it to stop once it is not wanted.

    Within the task's own context, what the training logs and shows would be taken for the trial task's.
    """
    stop, settings = Event(), get_settings_context()

    def run() -> None:
        asked_to_stop.set(stop)
        with SettingsContext(profile=settings.profile, settings=settings.settings):
            work()

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="trial") as executor:
        future = executor.submit(run)
        while not future.done():
            wait([future], timeout=POLL_SECONDS)
            if not wanted():
                stop.set()
    future.result()

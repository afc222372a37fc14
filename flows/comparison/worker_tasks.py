"""What a comparison asks of its workers.

The comparing process imports this too, and not what it takes to do it: TensorFlow alone is two seconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

from distributed import get_worker
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.context import SettingsContext, get_settings_context
from prefect.runtime import task_run
from prefect.states import Cancelled

from flows.comparison.training_time import TrainingTime
from flows.parameters.signature import validated
from flows.parameters.train import TrainParameters
from study.plan import Round
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import StoreAwayError
from tasks.tracking.store_outage import expect_answers, pause
from tasks.training.interruption import StoppedError, asked_to_stop
from tasks.training.threads import use_threads

POLL_SECONDS = 0.2
STORE_AWAY = "MLflow away"  # how a trial ends in Prefect that waited for the store in vain
_running: set[UUID] = set()  # the trials in this process, by their task run


@task(name="trial", task_run_name="{name}", cache_policy=NO_CACHE)
def run_trial(
    name: str,  # noqa: ARG001
    given: Mapping[str, Any],
    *,
    round_: Round,
    study: str,
    directory: str,
    tracking_uri: str,
) -> Any:
    """Train once, as a part of a comparison, unless that is done; go on with what an earlier attempt has left.

    Args:
        name: What Prefect shows.
        given: The parameters of the training.
        round_: What it is for.
        study: The MLflow run of the comparison.
        directory: Where the comparison works, and this trial too if this machine has it.
        tracking_uri: The store of the comparison.

    Returns:
        The state Cancelled if the comparison wants it no more, or, under the name STORE_AWAY, if the store is away.
    """
    from flows.comparison.trial import train_trial

    parameters, parent = validated(TrainParameters, given), UUID(task_run.id)
    prepare_process(directory, tracking_uri, parameters.threads)
    _running.add(parent)
    try:
        _in_a_thread(lambda: train_trial(parameters, study, round_, parent), _wanted())
    except StoppedError:
        return Cancelled(message="The comparison was ended.")
    except StoreAwayError as away:
        return Cancelled(name=STORE_AWAY, message=str(away))
    finally:
        _running.discard(parent)
    return None


def _test_name(parameters: dict[str, Any]) -> str:
    return f"test {validated(TrainParameters, parameters['given']).display_name()}"


# Prefect's type for such a function asks for a class with a method.
@task(name="test", task_run_name=_test_name, cache_policy=NO_CACHE)  # type: ignore[arg-type]
def test_trial(
    run_id: str,
    given: Mapping[str, Any],
    prepared: PreparedDataset,
    directory: str,
    tracking_uri: str,
) -> None:
    """Evaluate the model that a trial has stored on the test split, and record that in the trial's run."""
    from flows.comparison.trial import evaluate_trial

    parameters = validated(TrainParameters, given)
    prepare_process(directory, tracking_uri, parameters.threads)
    evaluate_trial(run_id, parameters, prepared)


def time_trial(
    parameters: TrainParameters, prepared: PreparedDataset, directory: str, tracking_uri: str, study: str | None = None
) -> TrainingTime:
    """Return what a training takes here, as a trial of a comparison, if that has begun."""
    from flows.comparison.trial import calibrate

    prepare_process(directory, tracking_uri, parameters.threads)
    return calibrate(parameters, prepared, study)


def trials_running() -> int:
    """Return how many trials go on in this process."""
    return len(_running)


def prepare_process(directory: str, tracking_uri: str, threads: int) -> None:
    """Let this process work where the comparison does, record where it does, and compute with so many threads."""
    if Path(directory).is_dir():
        os.chdir(directory)
    os.environ["MLFLOW_TRACKING_URI"] = tracking_uri
    expect_answers()  # the comparing process has had one
    use_threads(threads)


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

    def pause_unless_stopped(seconds: float) -> None:
        if stop.wait(seconds):
            raise StoppedError("asked to stop")

    def run() -> None:
        asked_to_stop.set(stop)
        pause.set(pause_unless_stopped)
        with SettingsContext(profile=settings.profile, settings=settings.settings):
            work()

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="trial") as executor:
        future = executor.submit(run)
        while not future.done():
            wait([future], timeout=POLL_SECONDS)
            if not wanted():
                stop.set()
    future.result()

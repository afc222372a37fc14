"""From the id of a run that did not finish to the parameters with which it goes on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from flows.parameters.shared import SharedParameters
from flows.parameters.signature import validated
from flows.parameters.train import TrainParameters
from tasks.data.bound_dataset import BoundDataset
from tasks.foundation.errors import InputError
from tasks.foundation.log import task_log
from tasks.tracking import mlflow_client
from tasks.tracking.claim import held_claim
from tasks.tracking.run import resumable
from tasks.tracking.run_file import read_run_file
from tasks.tracking.stored_run import StoredRun

# What a run did that did not record it, where that is not what one does now that does not say.
BEFORE = {"keep_predictions": False}
Parameters = TypeVar("Parameters", bound=SharedParameters)


def resumed(given: Mapping[str, Any]) -> TrainParameters:
    """Return the parameters of the run ``given["resume"]``.

    Raises:
        InputError: it cannot be resumed, or was made with other values than the rest of ``given``.
    """
    run_id = str(given["resume"])
    stored = {**BEFORE, **resumable(run_id)[1]}
    # Whoever knows what a run was begun with, that did not record it, may say so.
    may_differ = ("resume",) if "threads" in stored else ("resume", "threads")
    return as_stored(TrainParameters, run_id, stored, given, may_differ=may_differ)


def tell_of_unknown_threads(run_id: str, threads: int) -> dict[str, str]:
    """Say that a run of before threads were recorded may come out with other last bits; return that as a tag, too."""
    if "threads" in resumable(run_id)[1]:
        return {}
    task_log().warning(
        "Run %s did not record with how many threads it was begun; it goes on with %d. If it had others (without "
        "--threads, as many as there were cores), its last bits are not those of a run that nothing interrupted.",
        *(run_id, threads),
    )
    return {"threads.before_resume": "not recorded"}


def bound_dataset(resume: str | None) -> BoundDataset | None:
    """Return the data that a training belongs to: that of its comparison, or that with which run ``resume`` began.

    Raises:
        InputError: the run went on with other data at some time, so that it belongs to none.
    """
    held = held_claim()
    if held and held.dataset:
        return held.dataset
    if not resume:
        return None
    run = mlflow_client.get_run(resume)
    kept = read_run_file(run.directory).dataset if run.directory else None
    return kept or recorded_dataset(run)


def recorded_dataset(run: StoredRun) -> BoundDataset | None:
    """Return the data that MLflow has of a run of an older version, which kept nothing else of it.

    Raises:
        InputError: it is of several datasets.
    """
    if len(run.datasets) > 1:
        digests = ", ".join(sorted(dataset.digest for dataset in run.datasets))
        raise InputError(
            f"resume: run {run.run_id!r} went on with other data at some time (digests {digests}), as older versions "
            "let it, so that its record is of no single dataset; start anew, without resume"
        )
    if not run.datasets:
        task_log().warning("Nothing tells which data run %s began with: it goes on with those of now.", run.run_id)
    return run.datasets[0] if run.datasets else None


def as_stored(
    model: type[Parameters],
    run_id: str,
    stored: Mapping[str, Any],
    given: Mapping[str, Any],
    *,
    may_differ: Collection[str] = ("resume",),
) -> Parameters:
    """Return the parameters that a run was started with, and of ``given`` those that may differ.

    Raises:
        InputError: others differ.
    """
    free = {name: given[name] for name in may_differ if name in given}
    parameters = validated(model, {**stored, **free})
    # What is given may belong to the optimizer or the loss of the run, which need not be said again.
    chosen = {name: stored[name] for name in ("optimizer", "loss") if name in stored}
    wanted = validated(model, {**chosen, **given})
    differences = [
        f"resume: {name}: received {getattr(wanted, name)!r}, but run {run_id} was started with "
        f"{getattr(parameters, name)!r}; a run goes on with its own parameters, so leave {name} out"
        for name in given
        if getattr(wanted, name) != getattr(parameters, name)
    ]
    if differences:
        raise InputError("\n".join(differences))
    return parameters


def given_to_flow(parameters: SharedParameters) -> dict[str, Any]:
    """Return what differs from the defaults: Prefect fills these in, so that a flow cannot see what was left out."""
    # Of the defaults, some are those of an optimizer, of a loss or of an average.
    chosen = {name: value for name, value in parameters if name in ("optimizer", "loss", "average")}
    defaults = {**dict(type(parameters)(**chosen)), **{name: getattr(type(parameters)(), name) for name in chosen}}
    return {name: value for name, value in parameters if value != defaults[name]}

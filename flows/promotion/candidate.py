"""The run whose model is to be promoted, and the one whose model is in use: what is asked of either."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import zip_longest

from tasks.foundation.errors import InputError, PlainError
from tasks.report.class_table import CLASS_FILES
from tasks.tracking import mlflow_client, mlflow_files
from tasks.tracking.mlflow_registry import find_model, registered_run
from tasks.tracking.model_names import run_of_model
from tasks.tracking.registry_names import CHAMPION
from tasks.tracking.store import store_name
from tasks.tracking.stored_run import StoredRun, require_not_deleted, warn_if_deleted


class IncomparableError(PlainError):
    """A new model cannot be compared with the one in use: says why."""


@dataclass(frozen=True)
class Champion:
    """The version of a name that is in use, and its run; none if nobody says which that is, or it is gone."""

    version: str
    run: StoredRun | None


def candidate(text: str) -> StoredRun:
    """Return the run that a person has named, or that a comparison recommends.

    Raises:
        InputError: it has no model, or is deleted.
    """
    run = mlflow_client.get_run(run_of_model(text))
    require_not_deleted(run)
    outcome = run.tags.get("outcome", "unknown")
    if run.status != "FINISHED" or outcome != "completed":
        raise InputError(
            f"run: received {text!r}, and run {run.run_id} in the MLflow store {store_name()!r} is {run.status} with "
            f"the outcome {outcome!r}; only a training that has completed has a model to promote"
        )
    if not run.short_digest:
        raise InputError(f"run: received {text!r}, and run {run.run_id} does not say which data it is of; train anew")
    return run


def champion_of(name: str) -> Champion | None:
    """Return what is in use under a name; none if nothing is."""
    model = find_model(name)
    if model is None or CHAMPION not in model.aliases:
        return None
    number = model.aliases[CHAMPION]
    try:
        run = mlflow_client.get_run(registered_run(name, number))
    except InputError:  # the registry does not say which run it is of, or one of both is gone
        return Champion(number, None)
    warn_if_deleted(run)
    return Champion(number, run)


def classes_of(run: StoredRun) -> tuple[str, ...]:
    """Return the names of a run's classes, by label; empty if it says nothing of them.

    Its own table has them. MLflow keeps one description for all runs of an experiment on the same images, whatever
    their classes were called by then.
    """
    table = mlflow_files.read_file(run.run_id, CLASS_FILES["test"])
    if table is None:
        return run.classes
    return tuple(row["class"] for row in csv.DictReader(io.StringIO(table.decode())))


def require_same_classes(run: StoredRun, champion: Champion, name: str) -> None:
    """Raise InputError if a new model does not tell apart what those who use the name expect, in the same order."""
    new, old = classes_of(run), classes_of(champion.run) if champion.run else ()
    if not old or new == old:
        return
    pairs = enumerate(zip_longest(new, old))
    label, (its, theirs) = next((label, pair) for label, pair in pairs if pair[0] != pair[1])
    of_new, of_old = ("has it not" if each is None else f"calls it {each!r}" for each in (its, theirs))
    raise InputError(
        f"run: the model of run {run.run_id} has {len(new)} classes, and the champion of {name!r}, version "
        f"{champion.version}, has {len(old)}. Label {label}: the new one {of_new}, the champion {of_old}. Whoever "
        "uses a name expects the same classes in the same order: choose another name"
    )

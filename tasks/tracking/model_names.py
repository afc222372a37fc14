"""Which stored model a person means: by its run, by the comparison that recommends it, or by a registered name."""

from __future__ import annotations

import re

from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client
from tasks.tracking.mlflow_registry import registered_run
from tasks.tracking.registry_names import require_no_address
from tasks.tracking.stored_run import FLOW_TAG, RECOMMENDED_TAG, StoredRun, resume_command

REGISTERED = "models:/"  # as MLflow writes it; it may be left out
OF_RUN = re.compile(r"runs:/([^/]+)/model")  # as MLflow writes it
ALLOWED = (
    "the id of a run, or of a comparison for the run that it recommends, or a registered model as NAME@ALIAS or "
    "NAME/VERSION"
)


def run_of_model(text: str) -> str:
    """Return the id of the run whose model is meant.

    Args:
        text: The id of a run, or ``runs:/ID/model``; that of a comparison, for the run that it recommends; or a
            registered model as ``NAME@ALIAS`` or ``NAME/VERSION``, with or without ``models:/`` in front.

    Raises:
        InputError: there is no such model, or the comparison recommends none, or the store cannot be used.
    """
    try:
        return mlflow_client.get_run(_run_of(text)).run_id  # which `mlflow gc` may have removed from under a name
    except InputError as error:
        raise InputError(f"model: received {text!r}; allowed: {ALLOWED}. But {error}") from error


def _run_of(text: str) -> str:
    if of_run := OF_RUN.fullmatch(text):
        return recommended_run(mlflow_client.get_run(of_run[1]))
    name = text.removeprefix(REGISTERED)
    for mark in "@/":
        model, _, which = name.rpartition(mark)
        if model and which:
            require_no_address(model)
            return registered_run(model, which)
    if name != text:
        raise InputError("an alias or a version is missing")
    return recommended_run(mlflow_client.get_run(text))


def recommended_run(run: StoredRun) -> str:
    """Return the run that a comparison recommends; a run that is none recommends itself.

    Raises:
        InputError: the comparison recommends none.
    """
    if recommended := run.tags.get(RECOMMENDED_TAG):
        return recommended
    if run.tags.get(FLOW_TAG) == "compare":
        raise InputError(
            f"the comparison {run.run_id!r} recommends no run: it is not complete, or of an older version; go on with "
            f"it, {resume_command(run.run_id, run.tags)}, or give the id of one of its trials"
        )
    return run.run_id

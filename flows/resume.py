"""From the id of a run that did not finish to the parameters with which it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.parameters import TrainParameters
from flows.signature import validated
from tasks.errors import InputError
from tasks.run import resumable


def resumed(given: Mapping[str, Any]) -> TrainParameters:
    """Return the parameters of the run ``given["resume"]``.

    Raises:
        InputError: it cannot be resumed, or was made with other values than the rest of ``given``.
    """
    run_id = str(given["resume"])
    _, stored = resumable(run_id)
    parameters = validated(TrainParameters, {**stored, "resume": run_id})
    wanted = validated(TrainParameters, given)
    differences = [
        f"resume: {name}: received {getattr(wanted, name)!r}, but run {run_id} was started with "
        f"{getattr(parameters, name)!r}; a run goes on with its own parameters, so leave {name} out"
        for name in given
        if getattr(wanted, name) != getattr(parameters, name)
    ]
    if differences:
        raise InputError("\n".join(differences))
    return parameters


def given_to_flow(parameters: TrainParameters) -> dict[str, Any]:
    """Return what differs from the defaults: Prefect fills these in, so that a flow cannot see what was left out."""
    defaults = TrainParameters()
    return {name: value for name, value in parameters if value != getattr(defaults, name)}

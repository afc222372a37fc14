"""What a flow run is called in Prefect, and its run in MLflow: as a person has typed it, or by what it does."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from coolname.data import config
from prefect.runtime import flow_run

from flows.parameters.compare import CompareParameters
from flows.parameters.signature import validated
from flows.parameters.train import TrainParameters
from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client

# What the form in Prefect's user interface begins with: phi-parsion-terminus.
STAR = re.compile(
    r"(alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|omicron|pi|rho|sigma|tau|upsilon|phi|chi"
    r"|psi|omega)\d*(-[a-z]+)+"
)


def name_from(model: type[TrainParameters | CompareParameters]) -> Callable[[], str]:
    """Return what makes the name of a flow run: as a person has typed it, else from the flow run's parameters."""

    def name() -> str:
        if flow_run.name and not is_made_up(flow_run.name):
            return str(flow_run.name)
        try:
            parameters = validated(model, flow_run.parameters)
            if parameters.resume:
                return f"{mlflow_client.get_run(parameters.resume).name} (resumed)"
        except InputError:  # the flow itself says what is wrong
            return f"{flow_run.flow_name} with bad input"
        return parameters.display_name()

    return name


def run_name(parameters: TrainParameters | CompareParameters) -> str:
    """Return what a new run is called in MLflow: as its parameters say, else like its flow run."""
    return str(parameters.run_name or flow_run.name or parameters.display_name())


def is_made_up(name: str) -> bool:
    """Return whether Prefect has thought of a name, as it does for each flow run that nobody has named."""
    words = name.split("-")
    return (len(words) == 2 and _words().issuperset(words)) or STAR.fullmatch(name) is not None


@cache
def _words() -> frozenset[str]:
    """Return the words of which Prefect's server makes names: masterful-fulmar."""
    parts: dict[str, dict[str, Any]] = config  # type: ignore[assignment]  # each of another shape
    return frozenset(word for part in parts.values() for word in part.get("words", ()))

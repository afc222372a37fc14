"""The parameters that say where a run is recorded, and under which name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flows.parameters.group import ParameterGroup


class RecordingParameters(ParameterGroup):
    """What of a run is seen, and where."""

    run_name: Annotated[
        str | None, Field(min_length=1, max_length=250, description="none: made from the parameters")
    ] = None
    experiment: Annotated[str, Field(min_length=1, max_length=250, description="the MLflow experiment")] = "lenet"
    print_every: Annotated[
        int | None,
        Field(ge=0, le=1_000_000_000, description="steps between monitor lines; none: once an epoch; 0: no lines"),
    ] = None

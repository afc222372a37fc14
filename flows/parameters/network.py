"""The parameters that say which network is trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flows.parameters.group import ParameterGroup


class NetworkParameters(ParameterGroup):
    """The network."""

    model: Annotated[Literal["lenet"], Field(description="the network")] = "lenet"

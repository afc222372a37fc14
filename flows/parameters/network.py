"""The parameters that say which network is trained."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flows.parameters.group import ParameterGroup
from flows.parameters.network_names import NetworkName


class NetworkParameters(ParameterGroup):
    """The network."""

    model: Annotated[
        NetworkName,
        Field(
            description="the network: lenet; resnet8, for small colour images; keras:NAME, any of keras.applications "
            "(keras:EfficientNetV2B0, keras:MobileNetV3Small, ...); or MODULE:FUNCTION or FILE.py:FUNCTION, a function "
            "of your own"
        ),
    ] = "lenet"

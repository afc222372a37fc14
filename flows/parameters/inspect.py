"""The parameters of a look at a dataset."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flows.parameters.augment import Augment
from flows.parameters.data import DataParameters


class InspectParameters(DataParameters):
    """Which dataset is looked at, prepared as a training would have it."""

    augment: Annotated[
        Augment | None, Field(description="show what this would make of some training images; none: nothing")
    ] = None
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="of the training whose augmentation is shown")] = 0
    batch_size: Annotated[int, Field(ge=1, le=65_536, description="likewise: mixup mixes images of one batch")] = 32

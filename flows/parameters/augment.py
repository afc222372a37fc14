"""What can be done to training images, as a parameter."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from flows.parameters.several import Several

# In the order in which they are done. A test holds this against models/augmentation.py, which imports TensorFlow.
AugmentationName = Literal["flip", "crop", "rotate", "color", "erase", "mixup"]


def _in_order(names: tuple[AugmentationName, ...]) -> tuple[AugmentationName, ...]:
    """Return the names in one order, so that whoever types them in another asks for the same run."""
    return tuple(sorted(names, key=get_args(AugmentationName).index))


Augment = Annotated[tuple[AugmentationName, ...], *Several, AfterValidator(_in_order), Field(min_length=1)]

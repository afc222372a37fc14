"""The parameters that a training has and a comparison varies, or settles itself."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from flows.parameters.bounds import LARGEST, LARGEST_BATCH
from flows.parameters.hyperparameters import LossOrOwn, OptimizerOrOwn
from flows.parameters.shared import SharedParameters


class SingleTraining(SharedParameters):
    """What is given once for one training, and by a comparison for each of its trials."""

    loss: Annotated[LossOrOwn, Field(description="the loss that training minimises")] = "softmax_cross_entropy"
    optimizer: Annotated[OptimizerOrOwn, Field(description="the update rule")] = "momentum"
    learning_rate: Annotated[
        float | None,
        Field(gt=0, le=LARGEST, description="step size, before any schedule; none: the optimizer's usual one"),
    ] = None
    batch_size: Annotated[int, Field(ge=1, le=LARGEST_BATCH, description="examples in one step")] = 32
    seed: Annotated[
        int, Field(ge=0, le=2**32 - 1, description="fixes the initial weights and the order of the data")
    ] = 0
    split_seed: Annotated[
        int,
        Field(
            ge=0,
            le=2**32 - 1,
            description="another one draws other validation images from the training split, as many of each class; "
            "test images never change",
        ),
    ] = 0
    test: Annotated[bool, Field(description="false: leave the test split alone, as the trials of a comparison do")] = (
        True
    )
    keep_predictions: Annotated[
        bool,
        Field(
            description="keep what the model says of each validation and test image in the run, as predictions.npz and "
            "test_predictions.npz"
        ),
    ] = True
    resume: Annotated[
        str | None,
        Field(min_length=1, description="go on with this MLflow run, which did not finish, with its own parameters"),
    ] = None

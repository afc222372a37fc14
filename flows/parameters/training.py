"""The parameters that say how long, on what machine and towards what end a network is trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flows.parameters.augment import Augment
from flows.parameters.bounds import LARGEST, MOST_EPOCHS
from flows.parameters.group import ParameterGroup
from flows.parameters.hyperparameters import ClassWeightName
from flows.parameters.own_arguments import OwnArguments
from study.metric import Keep, Metric


class TrainingParameters(ParameterGroup):
    """The loop over the epochs, the loss and what counts in it, the machine.

    What belongs to some losses only is ``None`` unless it is given, as with hyperparameters of optimizers.
    """

    epochs: Annotated[int, Field(ge=1, le=MOST_EPOCHS, description="how often the training split is gone through")] = 10
    label_smoothing: Annotated[
        float, Field(ge=0, lt=1, description="for softmax_cross_entropy: share of the target spread evenly")
    ] = 0.0
    smooth_l1_beta: Annotated[
        float | None,
        Field(gt=0, le=LARGEST, description="for smooth_l1: error at which it turns from square to line; none: 1"),
    ] = None
    loss_args: Annotated[
        OwnArguments | None,
        Field(description="for a loss of your own: its constructor's arguments, gamma=2,alpha=0.25"),
    ] = None
    class_weight: Annotated[
        ClassWeightName,
        Field(
            description="balanced: in the loss of training an example counts by how rare its class is, n / (K n_k) as "
            "in scikit-learn; validation and test count all alike"
        ),
    ] = "none"
    metric: Annotated[
        Metric,
        Field(description="what the best epoch, and in a comparison the ranking, the target and the margin are about"),
    ] = "accuracy"
    keep: Annotated[
        Keep,
        Field(
            description="the epoch whose weights the stored model has, and the test and predictions use: the last, or "
            "the best by metric in validation, whose value is then a trial's score"
        ),
    ] = "last"
    patience: Annotated[
        int | None,
        Field(
            ge=1,
            le=MOST_EPOCHS,
            description="end a run after so many epochs without a better value of metric in validation; none: never",
        ),
    ] = None
    shuffle: Annotated[bool, Field(description="shuffle the training split anew every epoch")] = True
    repeat: Annotated[int, Field(ge=1, le=10_000, description="passes over the training split in one epoch")] = 1
    augment: Annotated[
        Augment | None,
        Field(description="what is done to training images, anew each time that one is seen; none: nothing"),
    ] = None
    device: Annotated[
        Literal["auto", "cpu", "gpu"], Field(description="auto: a GPU where there is one, else the CPU")
    ] = "auto"
    threads: Annotated[
        int,
        Field(
            ge=1,
            le=1024,
            description="threads for each operation on the CPU, more for large networks; another number gives other "
            "last bits",
        ),
    ] = 1

"""The parameters that a training run and a comparison have in common: types, bounds, choices and descriptions.

The command line, the form in the Prefect UI, ``prefect deployment run --param`` and the Python call all read
the models of this room. Nothing heavy is imported here, so that ``--help`` answers at once.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from flows.parameters.augment import Augment
from flows.parameters.data import DataParameters
from flows.parameters.hyperparameters import ClassWeightName, ScheduleName
from study.metric import Metric

# Prefect cannot give back a flow run with a whole number of more than 64 bits, nor float32 hold more than 3e38; these
# are far below, and above what anybody trains with.
MOST_EPOCHS, LARGEST_BATCH, LARGEST = 1_000_000, 65_536, 1e30


class SharedParameters(DataParameters):
    """What a training run and a comparison of many have in common.

    A hyperparameter that belongs to some optimizers or losses only is ``None`` unless it is given; where it
    applies, its default is filled in; where it does not, giving it is an error.
    """

    shuffle: Annotated[bool, Field(description="shuffle the training split anew every epoch")] = True
    repeat: Annotated[int, Field(ge=1, le=10_000, description="passes over the training split in one epoch")] = 1
    augment: Annotated[
        Augment | None,
        Field(description="what is done to training images, anew each time that one is seen; none: nothing"),
    ] = None
    model: Annotated[Literal["lenet"], Field(description="the network")] = "lenet"
    epochs: Annotated[int, Field(ge=1, le=MOST_EPOCHS, description="how often the training split is gone through")] = 10
    label_smoothing: Annotated[
        float, Field(ge=0, lt=1, description="for softmax_cross_entropy: share of the target spread evenly")
    ] = 0.0
    smooth_l1_beta: Annotated[
        float | None,
        Field(gt=0, le=LARGEST, description="for smooth_l1: error at which it turns from square to line; none: 1"),
    ] = None
    momentum: Annotated[
        float | None,
        Field(ge=0, lt=1, description="for momentum (none: 0.9) and rmsprop (none: 0)"),
    ] = None
    nesterov: Annotated[bool | None, Field(description="for momentum: look ahead as Nesterov does; none: false")] = None
    weight_decay: Annotated[float, Field(ge=0, lt=1, description="decoupled weight decay, never on biases")] = 0.0
    schedule: Annotated[ScheduleName, Field(description="how the learning rate changes over the epochs")] = "constant"
    warmup_epochs: Annotated[
        float, Field(ge=0, lt=MOST_EPOCHS, description="epochs over which the learning rate first rises in a line")
    ] = 0.0
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
    print_every: Annotated[
        int | None,
        Field(ge=0, le=1_000_000_000, description="steps between monitor lines; none: once an epoch; 0: no lines"),
    ] = None
    experiment: Annotated[str, Field(min_length=1, max_length=250, description="the MLflow experiment")] = "lenet"
    run_name: Annotated[
        str | None, Field(min_length=1, max_length=250, description="none: made from the parameters")
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

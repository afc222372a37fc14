"""The pipeline's own fit and the floor of the framework in one process, block by block in turn.

Prints milliseconds a step of either; the first epoch, in which both trace and warm up, is not counted. Not one process
after the other: a server whose processor others use too gave the same program 2.4 and 3.6 ms within a few minutes.
Usage: in_turn.py NETWORK OPTIMIZER EPOCHS
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from benchmarks.programs import floor, floor_resnet8, ours
from models.steps import make_train_steps
from tasks.dataset import prepare_dataset
from tasks.training import epoch_loop

DATASETS = {"lenet": "mnist", "resnet8": "cifar10"}
RATES = {"momentum": 0.01, "adam": 0.001, "rmsprop": 0.001}


def floor_blocks(network: str, optimizer: str) -> Callable[[int], None]:
    """Return a function that trains a hand-written network on the next so many examples."""
    prepared = prepare_dataset.fn(DATASETS[network], image_size=32, validation_fraction=0, download=False)
    if network == "resnet8":
        weights, layers = floor_resnet8.first_weights(), floor_resnet8.network(floor_resnet8.first_statistics())
    else:
        weights, layers = floor.first_weights(), floor.logits_of
    return floor.make_blocks(prepared, weights, layers, optimizer)


def main(network: str, optimizer: str, epochs: int) -> dict[str, float]:
    """Return milliseconds a step of the pipeline, everything counted, and of the floor."""
    seconds: list[float] = []

    def with_the_floor(*arguments: Any) -> Any:
        train_steps, block = make_train_steps(*arguments), floor_blocks(network, optimizer)

        def in_turn(images: Any, labels: Any) -> Any:
            trained = train_steps(images, labels)
            trained.losses.numpy()  # a GPU may not have come to its end
            started = time.perf_counter()
            block(len(labels))
            seconds.append(time.perf_counter() - started)
            return trained

        return in_turn

    recipe = {"model": network, "optimizer": optimizer, "learning_rate": RATES[optimizer], "epochs": epochs}
    with patch.object(epoch_loop, "make_train_steps", with_the_floor):
        both, steps = ours.fit({"dataset": DATASETS[network], "validation_fraction": 0, **recipe})
    of_floor = sum(seconds[len(seconds) // epochs :]) / (epochs - 1) / steps * 1000
    return {"pipeline": both - of_floor, "floor": of_floor}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))

"""A step of LeNet on made-up images of CIFAR's form, with each augmentation and without, block by block in turn.

Prints milliseconds a step, by what is done to the images. Usage: augmented.py BLOCKS
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from models.augmentation import AUGMENTATIONS, Augmentation
from models.lenet import build_lenet
from models.losses import make_loss
from models.optimizers import make_optimizer
from models.steps import make_train_steps
from tasks.training.threads import use_threads

SHAPE, BATCH_SIZE, STEPS = (32, 32, 3), 32, 32
MIXTURES = ((), ("flip", "crop"), *((name,) for name in AUGMENTATIONS), tuple(AUGMENTATIONS))


def block_of(names: tuple[str, ...]) -> Callable[[], Any]:
    """Return a function that trains on a block of images, traced and warm."""
    model = build_lenet(SHAPE, 10, pixel_mean=[127.5] * 3, pixel_deviation=[74.0] * 3, seed=0)
    model.compile(optimizer=make_optimizer("momentum", learning_rate=0.001), loss=make_loss("softmax_cross_entropy"))
    model.optimizer.build(model.trainable_variables)
    random, count = np.random.default_rng(0), STEPS * BATCH_SIZE
    block = [
        random.integers(0, 256, (count, *SHAPE), dtype=np.uint8),
        random.integers(0, 10, count).astype(np.int32),
        np.stack([np.arange(count), np.zeros(count, np.int64)], axis=1),
    ]
    train_steps = make_train_steps(model, BATCH_SIZE, Augmentation(names, 0, SHAPE) if names else None)
    given = block if names else block[:2]

    def train() -> None:
        train_steps(*given).losses.numpy()

    train()
    return train


def main(blocks: int) -> dict[str, float]:
    """Return the least of so many blocks, by the names of what is done: what else the machine does only adds to it."""
    use_threads(1)  # as by default
    trained = {",".join(names) or "none": block_of(names) for names in MIXTURES}
    seconds: dict[str, list[float]] = {name: [] for name in trained}
    for _ in range(blocks):
        for name, train in trained.items():
            started = time.perf_counter()
            train()
            seconds[name].append(time.perf_counter() - started)
    return {name: min(each) / STEPS * 1000 for name, each in seconds.items()}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))

"""The pipeline's own fit of ResNet-8 on images of CIFAR's form, with metrics, monitor, checkpoints and tracking.

Prints milliseconds a step. Usage: ours_resnet8.py OPTIMIZER EPOCHS
"""

from __future__ import annotations

import json
import sys

from benchmarks.programs.ours import RATES, fit


def main(optimizer: str, epochs: int) -> float:
    """Return milliseconds a step, everything counted."""
    recipe = {"optimizer": optimizer, "learning_rate": RATES[optimizer], "epochs": epochs}
    return fit({"dataset": "cifar10", "model": "resnet8", "validation_fraction": 0, **recipe})


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))

"""The weights of the best epoch so far, where a run keeps these: they lie in its checkpoints, beside the others."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np

PREFIX = "best "


class BestWeights:
    """The weights that the best epoch so far was validated with, in the model's order; none before there is one."""

    def __init__(self) -> None:
        self._weights: list[np.ndarray] = []

    def take(self, model: keras.Model) -> None:
        """Take those that a model has now."""
        self._weights = [np.array(keras.ops.convert_to_numpy(weight)) for weight in model.weights]

    def give(self, model: keras.Model) -> None:
        """Give them to a model, if there are any."""
        for weight, values in zip(model.weights, self._weights, strict=False):
            weight.assign(values)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return them by names that a checkpoint has for nothing else."""
        return {f"{PREFIX}{number:04d}": values for number, values in enumerate(self._weights)}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take those that a checkpoint has under these names."""
        self._weights = [arrays[name] for name in sorted(arrays)]


def fit_together(arrays: Mapping[str, np.ndarray], model: keras.Model) -> bool:
    """Return whether the best weights of a checkpoint are those of such a model; there may be none."""
    expected = [tuple(weight.shape) for weight in model.weights]
    return [arrays[name].shape for name in sorted(arrays)] in ([], expected)

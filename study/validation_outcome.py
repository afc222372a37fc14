"""Which validation images a trial got right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ValidationOutcome:
    """Which validation images a trial got right.

    Attributes:
        examples: The numbers of the images, ascending, each once: the same image has the same number in every split.
        right: Of the same shape: whether it was classified rightly.

    Raises:
        ValueError: the numbers are in another order, or the shapes differ.
    """

    examples: NDArray[np.int64]
    right: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Refuse what later sums would take for another image."""
        if self.examples.ndim != 1 or self.examples.shape != self.right.shape:
            raise ValueError(
                f"expected one row of examples and as many values; received {self.examples.shape} "
                f"and {self.right.shape}"
            )
        if (np.diff(self.examples) <= 0).any():
            raise ValueError("examples must be ascending, each once")

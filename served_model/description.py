"""What a stored model is told of itself: how pictures become its pixels, and what its numbers mean."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from served_model.fit import Fit

DESCRIPTION_FILE = "description.json"  # beside MLmodel, in the folder of the stored model
# Of images in one call: enough to keep Python's share of the time small, never a burden on memory.
EVALUATION_BYTES = 2 * 2**20
# What probabilities are made of a network's outputs: their softmax, or the outputs themselves, which estimate 1 for the
# right class and 0 for the others.
Estimates = Literal["softmax", "outputs"]


@dataclass(frozen=True)
class ModelDescription:
    """What is known of a trained model beside its layers and weights.

    Attributes:
        classes: The name of each label, by label.
        image_shape: (height, width, channels) of the images that it takes, pixel values 0 to 255.
        fit: How an image that is not square became square when the data was prepared.
        estimates: How its outputs become probabilities.
        threads: With how many TensorFlow computed an operation in training; another number changes last bits.
        dataset_digest: Of the prepared data that it was trained on.
        block_bytes: Bytes of images in one call, as in an evaluation; another number changes last bits.
    """

    classes: tuple[str, ...]
    image_shape: tuple[int, int, int]
    fit: Fit = "stretch"
    estimates: Estimates = "softmax"
    threads: int = 1
    dataset_digest: str = ""
    block_bytes: int = EVALUATION_BYTES

    @property
    def block_images(self) -> int:
        """How many images go into one call, at least one."""
        return max(1, self.block_bytes // math.prod(self.image_shape))

    def packed(self) -> str:
        """Return the content of the file."""
        return f"{json.dumps(asdict(self), indent=1)}\n"


def read_description(path: Path) -> ModelDescription:
    """Return what a file says.

    Raises:
        ValueError: it is damaged, or was not made here.
    """
    known = {field.name for field in fields(ModelDescription)}
    try:
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        given: dict[str, Any] = {name: value for name, value in said.items() if name in known}
        height, width, channels = given["image_shape"]
        given["image_shape"] = int(height), int(width), int(channels)
        first, second, *others = given["classes"]
        given["classes"] = str(first), str(second), *map(str, others)
        return ModelDescription(**given)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{str(path)!r} does not describe a model ({error}); store the model again") from error

"""What a model says of pictures, in Python's own words and numbers, which JSON has too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from served_model.picture_error import PictureError
from served_model.pictures import pixels_of

if TYPE_CHECKING:
    from served_model.classifier import Classifier

# Not a class body, for "class" is a word of Python's own.
Answer = TypedDict("Answer", {"class": str, "probability": float, "probabilities": dict[str, float]})


def answers(classifier: Classifier, sent: Sequence[Any] | NDArray[Any], most_pixels: int | None = None) -> list[Answer]:
    """Return the class of each picture, its probability, and the probability of each class by its name.

    Args:
        classifier: What is asked.
        sent: What `pixels_of` takes; ``most_pixels`` likewise.
        most_pixels: As above.

    Raises:
        PictureError: one of them is no picture that the model takes, or the network gives no numbers for it.
    """
    said = classifier.predict(pixels_of(sent, classifier.description, most_pixels))
    for place, row in enumerate(said.probabilities):
        if not np.isfinite(row).all():
            raise PictureError(f"the network gives no finite numbers for picture {place}")
    names = classifier.description.classes
    return [
        {
            "class": names[label],
            "probability": float(row[label]),
            "probabilities": dict(zip(names, map(float, row), strict=True)),
        }
        for label, row in zip(said.predicted, said.probabilities, strict=True)
    ]

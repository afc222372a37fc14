"""What a model says of pictures: read by threads, and answered in the blocks in which an evaluation would be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tasks.data.read_ahead import read_ahead
from tasks.sources.parallel_decoding import decoded_in_order
from tasks.sources.picture_list import Picture

if TYPE_CHECKING:
    from served_model.classifier import Classifier, Predictions
    from served_model.description import ModelDescription

NAMED = 3  # classes of each picture: the one that is predicted, and the next two


class Guess(NamedTuple):
    """A class by its name, and how probable the model takes it to be."""

    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of a picture.

    Attributes:
        picture: The picture.
        best: The predicted class, then the others that are most probable; none if it cannot be read.
        reason: Why it cannot be read; empty if it can.
    """

    picture: Picture
    best: tuple[Guess, ...] = ()
    reason: str = ""


@dataclass(frozen=True, eq=False)
class PredictedBlock:
    """Some pictures, in their order, and what the model says of them.

    Attributes:
        pictures: All of them.
        reasons: Why each cannot be read; empty where it can.
        said: Of those that can, a row for each.
    """

    pictures: Sequence[Picture]
    reasons: Sequence[str]
    said: Predictions

    @property
    def readable(self) -> list[Picture]:
        """The pictures that ``said`` has rows for."""
        return [picture for picture, reason in zip(self.pictures, self.reasons, strict=True) if not reason]

    def predictions(self, classes: Sequence[str]) -> Iterator[Prediction]:
        """Yield what is said of each picture, in their order; ``classes`` are the names of the labels."""
        probabilities = self.said.probabilities
        order = -probabilities
        np.put_along_axis(order, self.said.predicted[:, np.newaxis], -np.inf, axis=1)  # among equal ones, too
        best = np.argsort(order, axis=1, kind="stable")[:, :NAMED]
        rows = zip(best.tolist(), np.take_along_axis(probabilities, best, axis=1), strict=True)
        for picture, reason in zip(self.pictures, self.reasons, strict=True):
            if reason:
                yield Prediction(picture, reason=reason)
                continue
            labels, values = next(rows)
            # The shortest number that is this float32 and no other.
            guesses = (Guess(classes[label], float(str(value))) for label, value in zip(labels, values, strict=True))
            yield Prediction(picture, tuple(guesses))


class _Read(NamedTuple):
    """Pictures that were read, why some could not be, and the pixels of the others."""

    pictures: list[Picture]
    reasons: list[str]
    images: list[np.ndarray]


def predict_pictures(
    classifier: Classifier, pictures: Sequence[Picture], advance: Callable[[int], None] = lambda _: None
) -> Iterator[PredictedBlock]:
    """Yield what a model says of pictures, in their order; the next ones are read while it is asked.

    Memory does not grow with their number: a block is held, and one more.

    Args:
        classifier: What is asked.
        pictures: The files.
        advance: Is told of how many pictures more the answer is there.
    """
    blocks = _read(pictures, classifier.description)
    for read in read_ahead(lambda _: next(blocks, None), count()):
        if read is None:
            return
        images = np.stack(read.images) if read.images else np.empty((0, *classifier.description.image_shape), np.uint8)
        yield PredictedBlock(read.pictures, read.reasons, classifier.predict(images))
        advance(len(read.pictures))


def _read(pictures: Sequence[Picture], how: ModelDescription) -> Iterator[_Read]:
    """Yield pictures as they are read, as many at a time that those that can be read fill a block."""
    size, _, channels = how.image_shape
    read = _Read([], [], [])
    paths = [picture.path for picture in pictures]
    with closing(decoded_in_order(paths, size=size, channels=channels, fit=how.fit)) as decoded:
        for picture, image in zip(pictures, decoded, strict=True):
            read.pictures.append(picture)
            read.reasons.append(image if isinstance(image, str) else "")
            if not isinstance(image, str):
                read.images.append(image.pixels)
            if len(read.images) == how.block_images:
                yield read
                read = _Read([], [], [])
    if read.pictures:
        yield read

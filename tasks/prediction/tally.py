"""Predictions counted: how often each class is predicted, what cannot be read, and how many are right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.measures import balanced_accuracy, class_measures
from tasks.prediction.predictions import PredictedBlock
from tasks.sources.picture_list import Picture, known_as


@dataclass
class Tally:
    """What is counted of predictions while they are made.

    Of pictures without a label nothing is kept but these counts. Those with one are judged in the end, and kept.

    Attributes:
        classes: The names of the model's classes, by label.
        counts: How often each is predicted, int64 of shape (classes,).
        unreadable: What cannot be read, and why.
        strange: How many pictures have each label that is no class of the model.
        judged: The pictures whose label is one.
    """

    classes: Sequence[str]
    counts: NDArray[np.int64] = field(init=False)
    unreadable: list[tuple[Picture, str]] = field(default_factory=list)
    strange: Counter[str] = field(default_factory=Counter)
    judged: list[Picture] = field(default_factory=list)
    _labels: list[int] = field(default_factory=list)
    _predicted: list[NDArray[np.int32]] = field(default_factory=list)
    _probabilities: list[NDArray[np.float32]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counts = np.zeros(len(self.classes), dtype=np.int64)
        self._label_of = {known_as(name): label for label, name in enumerate(self.classes)}

    def add(self, block: PredictedBlock) -> None:
        """Count a block."""
        self.counts += np.bincount(block.said.predicted, minlength=len(self.classes))
        said = zip(block.pictures, block.reasons, strict=True)
        self.unreadable += [(picture, reason) for picture, reason in said if reason]
        labelled = [(place, picture) for place, picture in enumerate(block.readable) if picture.label]
        known = [(place, picture) for place, picture in labelled if picture.label in self._label_of]
        self.strange.update(picture.label for _, picture in labelled if picture.label not in self._label_of)
        if known:
            self.judged += [picture for _, picture in known]
            self._labels += [self._label_of[picture.label] for _, picture in known]
            places = [place for place, _ in known]
            self._predicted.append(block.said.predicted[places])
            self._probabilities.append(block.said.probabilities[places])

    @property
    def labels(self) -> NDArray[np.int32]:
        """The label of each picture that is judged, of shape (judged,)."""
        return np.array(self._labels, dtype=np.int32)

    @property
    def predicted(self) -> NDArray[np.int32]:
        """What each of these is predicted to be, of shape (judged,)."""
        return np.concatenate([np.empty(0, np.int32), *self._predicted])

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """What is said of each of these, of shape (judged, classes)."""
        return np.concatenate([np.empty((0, len(self.classes)), np.float32), *self._probabilities])

    def measures(self) -> dict[str, float]:
        """Return accuracy and balanced accuracy of those that are judged; nothing if none is."""
        if not self.judged:
            return {}
        labels, predicted = self.labels, self.predicted
        return {
            "accuracy": float(np.mean(labels == predicted)),
            "balanced_accuracy": balanced_accuracy(class_measures(labels, predicted, len(self.classes))),
        }

    def summary(self) -> dict[str, Any]:
        """Return what is counted as values that are JSON."""
        counted = zip(self.classes, self.counts.tolist(), strict=True)
        return {
            "images": int(self.counts.sum()) + len(self.unreadable),
            "unreadable": len(self.unreadable),
            "counts": dict(counted),
            "labelled": len(self.judged),
            **self.measures(),
            "unknown_labels": dict(self.strange),
        }

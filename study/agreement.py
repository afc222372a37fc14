"""What several models say of the same images, each of those that it has not trained on: where they agree, and err."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from study.example_loss import shares

CONFIDENT = 0.9  # a mean probability from which on models count as sure of what they say


@dataclass(frozen=True, eq=False)
class Answers:
    """What one model says of images that it has not trained on.

    Attributes:
        example: The number of each image, each once, of shape (images,): the same image has the same in all answers.
        label: Its label; ``predicted``: the class that the model gives it; both of shape (images,).
        probabilities: float32 of shape (images, classes), as `shares` returns them.
    """

    example: NDArray[np.int64]
    label: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: NDArray[np.float32]

    @classmethod
    def of(cls, example: NDArray[Any], label: NDArray[Any], predicted: NDArray[Any], said: NDArray[Any]) -> Answers:
        """Return answers in these types; ``said``, of shape (images, classes), need not be probabilities."""
        return cls(example.astype(np.int64), label.astype(np.int64), predicted.astype(np.int64), shares(said))

    @property
    def confidence(self) -> NDArray[np.float32]:
        """The probability of what the model predicts, of shape (images,)."""
        return np.take_along_axis(self.probabilities, self.predicted[:, None], axis=1)[:, 0]

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which images it classifies rightly, of shape (images,)."""
        return np.asarray(self.label == self.predicted)


@dataclass(frozen=True, eq=False)
class Agreement:
    """What several models say together of each image that at least one of them has not trained on.

    Attributes:
        example: The number of each image, ascending, int64 of shape (images,).
        label: Its label.
        predicted: The class with the greatest mean probability; where a single model judges, what that predicts.
        probabilities: The mean over the models that judge, float32 of shape (images, classes).
        judging: How many models judge it, at least 1; ``wrong``: how many of these are wrong.
        models: How many models there are.
    """

    example: NDArray[np.int64]
    label: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    judging: NDArray[np.int64]
    wrong: NDArray[np.int64]
    models: int

    @property
    def confidence(self) -> NDArray[np.float32]:
        """The mean probability of the predicted class, of shape (images,)."""
        return np.take_along_axis(self.probabilities, self.predicted[:, None], axis=1)[:, 0]


def agreement(answers: Sequence[Answers]) -> Agreement:
    """Return what models, at least one, say together.

    Raises:
        ValueError: they are not of one dataset: an image has two labels, or the classes are not as many.
    """
    if len({each.probabilities.shape[1] for each in answers}) != 1:
        raise ValueError("expected models of the same classes")
    example = np.unique(np.concatenate([each.example for each in answers]))
    label = np.full(len(example), -1, np.int64)
    predicted, judging, wrong = (np.zeros(len(example), np.int64) for _ in range(3))
    probabilities = np.zeros((len(example), answers[0].probabilities.shape[1]), np.float32)
    for each in answers:
        rows = np.searchsorted(example, each.example)
        if ((label[rows] != -1) & (label[rows] != each.label)).any():
            raise ValueError("expected models of one dataset: an image has two labels")
        label[rows], predicted[rows] = each.label, each.predicted
        judging[rows] += 1
        wrong[rows] += ~each.right
        probabilities[rows] += each.probabilities
    probabilities /= judging[:, None]
    together = judging > 1
    predicted[together] = probabilities[together].argmax(axis=1)
    return Agreement(example, label, predicted, probabilities, judging, wrong, len(answers))


def judgement_in_words(wrong: int, judging: int, models: int, confidence: float) -> str:
    """Say what it means that so many of the models that judge an image are wrong, at least one.

    Args:
        wrong: How many are wrong.
        judging: How many have not trained on the image.
        models: How many there are.
        confidence: The mean probability of the class that they give it.
    """
    sure = confidence >= CONFIDENT
    if models == 1:
        return "confident: perhaps a wrong label" if sure else "unsure: hard"
    if judging == 1:
        alone = f"wrong on the only one of {models} that judges it"
        return f"{alone}, and confident: perhaps a wrong label" if sure else f"{alone}, and unsure: hard"
    if wrong < judging:
        return f"wrong on {wrong} of {judging}: hard"
    return f"wrong on all {judging}" + (" and confident: probably a wrong label" if sure else ", but unsure: hard")

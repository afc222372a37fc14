"""What models get wrong, as the values that a page and a table are made of."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.measures import class_measures
from study.agreement import Agreement, Answers, agreement
from study.calibration import Reliability, reliability
from study.confused_pairs import ConfusedPair, confused_pairs
from study.example_loss import example_losses
from tasks.inspection.label_issues import label_issues, why_not_judged
from tasks.report.class_table import ClassRow, class_rows
from tasks.report.dataset_page import shown

MOST_PAIRS = 10


@dataclass(frozen=True, eq=False)
class Judged:
    """The images that are judged, and what a person knows them by.

    An image is known by its number in the answers of models: its position in ``images.npy``, or in a list.

    Attributes:
        title: What the page is about.
        about: What judges what, a sentence each.
        classes: The name of each label, by label.
        names: What the source calls each image, by its number; none: numbers are all that it has.
        split: Where an image comes from, by its number; none: all are of one kind.
        pixels: Gives the uint8 pixels of an image, of shape (height, width, channels), by its number; none: the page
            has no pictures.
        no_pictures: Why not, and what to do about it.
        cover_more: How many images would have a judge after which command; none if nothing helps.
        issues_file: The table beside the page that has all labels that are doubted; empty if there is none.
    """

    title: str
    about: tuple[str, ...]
    classes: tuple[str, ...]
    names: Sequence[str] | Mapping[int, str] | None = None
    split: Callable[[int], str] | None = None
    pixels: Callable[[int], NDArray[np.uint8]] | None = None
    no_pictures: str = ""
    cover_more: tuple[str, str] | None = None
    issues_file: str = ""

    def name(self, example: int) -> str:
        """Return what a person knows an image by, as a page can hold it."""
        return shown(self.names[example]) if self.names else f"image {example}"

    def class_name(self, label: int) -> str:
        """Return the name of a class, as a page can hold it."""
        return shown(self.classes[label])


@dataclass(frozen=True, eq=False)
class Mistakes:
    """What models get wrong.

    Whatever is counted in answers counts an image as often as models judge it: so that what is said holds for each of
    the models, and not for the mean of all of them, which is right more often.

    Attributes:
        images: What is judged.
        judged: What the models say together of each image.
        losses: Of each of its rows, by the mean probability of the label.
        answers: How many there are; ``wrong``: how many of these are wrong.
        pairs: The classes that are confused most often, over answers.
        reliability: How far the probabilities can be believed, over answers.
        classes: How well each class is known, over answers.
        issues: The rows of ``judged`` whose labels are doubted, those with the largest loss first.
        no_issues: Why labels were not judged; empty if they were.
    """

    images: Judged
    judged: Agreement
    losses: NDArray[np.float64]
    answers: int
    wrong: int
    pairs: tuple[ConfusedPair, ...]
    reliability: Reliability
    classes: tuple[ClassRow, ...]
    issues: NDArray[np.int64]
    no_issues: str


def mistakes_of(images: Judged, answers: Sequence[Answers]) -> Mistakes:
    """Return what models, at least one, get wrong of images, at least one.

    Args:
        images: What is judged.
        answers: What each model says, of all images or of some; of images that a model has trained on it says little.
    """
    label, predicted, confidence = (
        np.concatenate([getattr(each, name) for each in answers]) for name in ("label", "predicted", "confidence")
    )
    judged = agreement(answers)
    no_issues = why_not_judged(judged)
    measures = class_measures(label.astype(np.int32), predicted.astype(np.int32), len(images.classes))
    return Mistakes(
        images=images,
        judged=judged,
        losses=example_losses(judged.probabilities, judged.label),
        answers=len(label),
        wrong=int((label != predicted).sum()),
        pairs=confused_pairs(label, predicted, MOST_PAIRS),
        reliability=reliability(confidence, label == predicted),
        classes=class_rows(measures, images.classes),
        issues=np.zeros(0, np.int64) if no_issues else label_issues(judged),
        no_issues=no_issues,
    )


def issues_csv(mistakes: Mistakes) -> str:
    """Return the labels that are doubted as CSV, those with the largest loss first, under their columns' names."""
    judged, images = mistakes.judged, mistakes.images
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    split = ["split"] if images.split else []
    writer.writerow(["image", *split, "given", "suggested", "probability", "probability_of_given", "wrong", "judging"])
    for row in mistakes.issues.tolist():
        example, given, suggested = (int(each[row]) for each in (judged.example, judged.label, judged.predicted))
        writer.writerow(
            [
                shown(images.names[example]) if images.names else example,
                *([images.split(example)] if images.split else []),
                *(images.class_name(label) for label in (given, suggested)),
                *(f"{judged.probabilities[row, label]:.4f}" for label in (suggested, given)),
                *(judged.wrong[row], judged.judging[row]),
            ]
        )
    return text.getvalue()

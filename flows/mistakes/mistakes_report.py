"""The page of mistakes of a run or a comparison, and its table of labels, from the store and the prepared images."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from flows.comparison.answer import REPORTS
from flows.mistakes.about import about
from flows.mistakes.kept_answers import KeptAnswers, kept_answers
from flows.mistakes.subject import Subject, subject_of
from study.number_formats import listed
from tasks.data.descriptions import read_names
from tasks.data.prepared import PreparedDataset
from tasks.foundation.durable_files import storing
from tasks.foundation.errors import InputError
from tasks.report.class_table import CLASS_FILES
from tasks.report.mistakes import Judged, issues_csv, mistakes_of
from tasks.report.mistakes_page import mistakes_page
from tasks.report.mistakes_sentences import headline, sentences
from tasks.tracking import mlflow_files
from tasks.tracking.model_names import run_of_model

PAGE, ISSUES = "mistakes.html", "label_issues.csv"


@dataclass(frozen=True)
class MistakesReport:
    """What was found, and where it is written.

    Attributes:
        headline: How often the models are wrong.
        sentences: What judges what, and what follows.
        no_pictures: Why the page has no pictures; empty if it has.
        cover_more: How many images would have a judge after which command; none if nothing helps.
        page: The page.
        issues: The table of labels that are doubted.
    """

    headline: str
    sentences: tuple[str, ...]
    no_pictures: str
    cover_more: tuple[str, str] | None
    page: Path
    issues: Path


def report_mistakes(named: str, directory: Path | None = None) -> MistakesReport:
    """Write the page of mistakes of a run, or of what a comparison recommends, and its table of labels.

    Nothing is computed with a network: it is made from the predictions that runs have kept.

    Args:
        named: The MLflow run of either; or a registered model, as NAME@ALIAS or NAME/VERSION, for the run that made it.
        directory: Where to; none: below ``reports/``.

    Raises:
        InputError: there is no such run, or it has kept no predictions.
        StorageError: they cannot be written.
    """
    subject = subject_of(run_of_model(named) if {"@", "/"} & set(named) else named)
    kept = kept_answers(subject.models)
    if not kept.answers:
        raise InputError(
            f"mistakes: {listed(subject.models)} kept no predictions, of which this is made; {subject.none_kept}"
        )
    mistakes = mistakes_of(_judged(subject, kept), kept.answers)
    directory = directory or REPORTS / subject.run_id
    texts = {PAGE: mistakes_page(mistakes), ISSUES: issues_csv(mistakes)}
    with storing(directory):
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (directory / name).write_text(text, encoding="utf-8")
    return MistakesReport(
        headline(mistakes),
        tuple(sentences(mistakes)),
        mistakes.images.no_pictures,
        subject.cover_more,
        *((directory / name).absolute() for name in texts),
    )


def _judged(subject: Subject, kept: KeptAnswers) -> Judged:
    prepared = subject.dataset.prepared_copy() if subject.dataset else None
    images = np.load(prepared.directory / "images.npy", mmap_mode="r") if prepared else None
    names = read_names(prepared.directory) if prepared else None
    return Judged(
        title=subject.title,
        about=tuple(about(subject, kept)),
        classes=_classes(subject, kept, prepared),
        names=names or kept.names or None,
        split=lambda example: "test" if example in kept.tested else "validation",
        pixels=(lambda example: np.asarray(images[example])) if images is not None else None,
        no_pictures="" if prepared else _gone(subject),
        cover_more=subject.cover_more,
        issues_file=ISSUES,
    )


def _gone(subject: Subject) -> str:
    """Say that the prepared images are gone, and what to do."""
    where = f"in {str(subject.dataset.directory)!r} " if subject.dataset else ""
    return (
        f"The page has no pictures: the prepared images {where}are gone, not whole, or of other data. If the data is "
        f"what it was, this prepares them again: {subject.prepare}"
    )


def _classes(subject: Subject, kept: KeptAnswers, prepared: PreparedDataset | None) -> tuple[str, ...]:
    """Return the names of the classes; numbers where nothing has them.

    Those of a run's own table before those of the images: MLflow keeps one description for all runs of an experiment on
    the same images, whatever their classes were called by then.
    """
    if subject.dataset and subject.dataset.classes:
        return tuple(subject.dataset.classes)
    for run_id, file in product(subject.models, CLASS_FILES.values()):
        if content := mlflow_files.read_file(run_id, file):
            return tuple(row["class"] for row in csv.DictReader(io.StringIO(content.decode("utf-8"))))
    if prepared:
        return prepared.classes
    return tuple(map(str, range(kept.answers[0].probabilities.shape[1])))

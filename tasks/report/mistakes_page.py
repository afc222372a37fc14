"""What models get wrong, on one page: HTML without anything from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from study.agreement import judgement_in_words
from study.calibration import BINS
from study.confused_pairs import ConfusedPair
from study.example_loss import worst
from tasks.report.class_table import ClassRow
from tasks.report.mistakes import Mistakes
from tasks.report.mistakes_sentences import calibration_sentence, headline, sentences, share
from tasks.report.reliability_curve import reliability_curve
from tasks.report.thumbnails import strip_of

WORST = 24
EXAMPLES = 8  # of a pair
MOST_ISSUES, MOST_CLASSES = 100, 60  # that are shown; the rest is in a table, or folded away


def mistakes_page(mistakes: Mistakes) -> str:
    """Return the page."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    images, classes = mistakes.images, _by_f1(mistakes.classes)
    return environment.get_template("mistakes_page.html.j2").render(
        title=images.title,
        headline=_unbroken(headline(mistakes)),
        sentences=[_unbroken(sentence) for sentence in sentences(mistakes)],
        no_pictures=images.no_pictures,
        cover_more=images.cover_more,
        issues_file=images.issues_file,
        several=mistakes.judged.models > 1,
        wrong=int((mistakes.judged.wrong > 0).sum()),
        worst=[_image(mistakes, row) for row in _worst(mistakes)],
        pairs=[_pair(mistakes, pair) for pair in mistakes.pairs],
        issues=[_image(mistakes, row) for row in mistakes.issues[:MOST_ISSUES].tolist()],
        more_issues=max(0, len(mistakes.issues) - MOST_ISSUES),
        no_issues=mistakes.no_issues,
        curve=reliability_curve(mistakes.reliability),
        calibration=_unbroken(calibration_sentence(mistakes.reliability)),
        reliability=mistakes.reliability,
        bins=BINS,
        classes=classes[:MOST_CLASSES],
        more_classes=classes[MOST_CLASSES:],
        share=lambda part: _unbroken(share(part)),
    )


def _unbroken(text: str) -> str:
    """Return a text in which no line ends between a number and its percent sign."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _worst(mistakes: Mistakes) -> list[int]:
    """Return the rows of the images that any model is wrong on, those with the largest loss first."""
    wrong = np.flatnonzero(mistakes.judged.wrong > 0)
    return [int(wrong[place]) for place in worst(mistakes.losses[wrong], mistakes.judged.confidence[wrong], WORST)]


def _image(mistakes: Mistakes, row: int) -> dict[str, Any]:
    """Return what the page says of an image."""
    judged, images = mistakes.judged, mistakes.images
    example, label, wrong, judging = (
        int(each[row]) for each in (judged.example, judged.label, judged.wrong, judged.judging)
    )
    # Where the models together are right, some are not: the class that they come nearest to is meant.
    predicted = int(judged.predicted[row])
    predicted = int(_likeliest_other(mistakes, np.array([row]))[0]) if predicted == label else predicted
    return {
        "picture": _picture(mistakes, example),
        "name": images.name(example),
        "split": images.split(example) if images.split else "",
        "label": images.class_name(label),
        "predicted": images.class_name(predicted),
        "probability": _probability(judged.probabilities[row, predicted]),
        "of_label": _probability(judged.probabilities[row, label]),
        "wrong": f"{wrong} of {judging}",
        "words": judgement_in_words(wrong, judging, judged.models, float(judged.confidence[row])),
    }


def _pair(mistakes: Mistakes, pair: ConfusedPair) -> dict[str, Any]:
    """Return what the page says of a pair, with examples: the images of which the models are the surest."""
    judged, images = mistakes.judged, mistakes.images
    rows = np.flatnonzero((judged.label == pair.label) & (judged.wrong > 0))
    surest = rows[np.argsort(-judged.probabilities[rows, pair.predicted], kind="stable")]
    taken = surest[_likeliest_other(mistakes, surest) == pair.predicted][:EXAMPLES]
    examples = judged.example[taken].tolist()
    return {
        "pictures": [_picture(mistakes, example) for example in examples] if images.pixels else [],
        "label": images.class_name(pair.label),
        "predicted": images.class_name(pair.predicted),
        "times": pair.times,
        "of": pair.of,
        "names": [images.name(example) for example in examples],
    }


def _likeliest_other(mistakes: Mistakes, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each of some rows which class is the likeliest, but for the label itself."""
    others = mistakes.judged.probabilities[rows].copy()
    others[np.arange(len(rows)), mistakes.judged.label[rows]] = -1
    return np.asarray(others.argmax(axis=1))


def _picture(mistakes: Mistakes, example: int) -> Markup | str:
    images = mistakes.images
    return strip_of([images.pixels(example)], images.name(example)) if images.pixels else ""


def _by_f1(rows: Sequence[ClassRow]) -> list[ClassRow]:
    """Return the classes, those that are known worst first, and last those of which there is no image."""
    return sorted(rows, key=lambda row: (row.support == 0, row.f1))


def _probability(value: float) -> str:
    """Return a probability with two digits; where they would say 0 or 1 that is not quite so, in words of that."""
    text = f"{value:.2f}"
    if text == "0.00" and value > 0:
        return "under 0.01"
    return "over 0.99" if text == "1.00" and value < 1 else text

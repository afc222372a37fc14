"""What a page of mistakes says first: who judges, and how much of the data that is."""

from __future__ import annotations

import numpy as np

from flows.mistakes.kept_answers import KeptAnswers
from flows.mistakes.subject import Subject
from study.number_formats import counted, listed
from tasks.report.mistakes_sentences import share

ESTIMATES = (
    "What was kept are no probabilities, but the outputs of a regression, which estimate them: they are clipped to lie "
    "between 0 and 1, and divided by their sum."
)


def about(subject: Subject, kept: KeptAnswers) -> list[str]:
    """Return a sentence for each."""
    judged, times = np.unique(np.concatenate([each.example for each in kept.answers]), return_counts=True)
    total = sum(subject.dataset.examples.values()) if subject.dataset else 0
    return [
        subject.what,
        *([_left_out(kept.without)] if kept.without else []),
        _coverage(len(judged), total, int((times > 1).sum()), kept),
        *([ESTIMATES] if kept.estimates else []),
    ]


def _left_out(without: list[str]) -> str:
    said = "keeps no predictions, and is" if len(without) == 1 else "keep no predictions, and are"
    return f"{counted(len(without), 'run')} of these {said} left out: {listed(without)}."


def _coverage(judged: int, total: int, by_several: int, kept: KeptAnswers) -> str:
    of_all = f" of {total:,} ({share(judged / total)})" if total else ""
    tests = len(kept.tested)
    test = f"{tests:,} test images among them" if tests else "none of them a test image, of which nothing was kept"
    if len(kept.answers) == 1:
        seen = "It has trained on the others: a comparison of several seeds judges these by models that have not."
        return f"Judged: {judged:,} images{of_all}, {test}. {seen}"
    return (
        f"Judged by models that have not trained on them: {judged:,} images{of_all}, {test}; {by_several:,} by several "
        "of the models."
    )

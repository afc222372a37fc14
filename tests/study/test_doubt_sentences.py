"""How far the answer is known, in words: a sentence for each rival that is undecided, and one about the method."""

from __future__ import annotations

from typing import Any

import pytest

from study.doubt_sentences import doubt_sentences
from tests.support.contenders import answer, doubt, rival


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({}, "about 40 seeds, or 3 times as many images, would decide it"),
        ({"images_to_decide": 1e6}, "about 40 seeds would decide it"),
        (
            {"seeds_to_decide": None},
            "no number of seeds decides this with these images; about 3 times as many images would",
        ),
        (
            {"seeds_to_decide": None, "images_to_decide": 0.4},  # more than now all the same
            "no number of seeds decides this with these images; about 1.1 times as many images would",
        ),
        ({"seeds_to_decide": None, "images_to_decide": None}, "no number of seeds decides this with these images"),
        ({"seeds_to_decide": None, "images_to_decide": 1e6}, "no number of seeds decides this with these images"),
    ],
)
def test_what_would_decide_it(changes: dict[str, Any], remedy: str) -> None:
    said = doubt_sentences(answer(rival(judgement="undecided", doubt=doubt(**changes))), "accuracy")
    assert said[0] == f"sgd: ±0.9 points with 5 seeds, about ±0.35 with 20, ±0.1 with any number; {remedy}."


def test_what_20_seeds_came_to_is_not_said_again() -> None:
    said = doubt_sentences(answer(rival(judgement="undecided", seeds=20)), "accuracy")
    assert said[0] == (
        "sgd: ±0.9 points with 20 seeds, ±0.1 with any number; about 40 seeds, or 3 times as many images, would decide "
        "it."
    )


def test_who_is_decided_needs_no_remedy() -> None:
    (method,) = doubt_sentences(answer(rival(), rival("lion", "as good"), rival("nadam", "better")), "accuracy")
    assert method == (
        "Every interval is Student's, at 98.33 %, so that all of them hold together with 95 %; its variance is that of "
        "the seeds' differences by their number, their covariance on the same image over all images, and that of one "
        "image in all of them."
    )


def test_the_method_is_another_where_predictions_are_missing() -> None:
    said = doubt_sentences(answer(rival(), rival("lion", doubt=doubt(images_known=False))), "accuracy")
    assert "Nadeau and Bengio's rule of thumb, since not every trial has kept its predictions" in said[-1]


def test_nothing_is_said_where_nothing_was_judged() -> None:
    assert doubt_sentences(answer(), "accuracy") == ()
    assert doubt_sentences(answer(rival(judgement="undecided", doubt=None)), "accuracy") == ()

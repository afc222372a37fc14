"""Labels that are doubted: that swapped ones are found, in silence, and without another process."""

from __future__ import annotations

import multiprocessing
import warnings
from typing import get_args

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedShuffleSplit

from study.agreement import Agreement, Answers, agreement
from tasks.inspection import label_issues as module
from tasks.inspection.label_issues import Method, label_issues, why_not_judged

SWAPPED = 36  # 2 % of the digits


@pytest.fixture(scope="module")
def swapped() -> tuple[Agreement, np.ndarray]:
    """The digits, some labels of which are swapped, as models see them that have not trained on them; and which."""
    images, labels = load_digits(return_X_y=True)
    random = np.random.default_rng(0)
    places = np.sort(random.permutation(len(labels))[:SWAPPED])
    labels[places] = (labels[places] + random.integers(1, 10, SWAPPED)) % 10
    answers = []
    for train, judged in StratifiedShuffleSplit(5, test_size=0.3, random_state=0).split(images, labels):
        model = LogisticRegression(C=0.1, max_iter=60, tol=1e-2).fit(images[train] / 16, labels[train])
        said = model.predict_proba(images[judged] / 16)
        order = np.argsort(judged)
        answers.append(Answers.of(judged[order], labels[judged][order], said.argmax(axis=1)[order], said[order]))
    return agreement(answers), places


def test_most_labels_that_were_swapped_are_found_and_few_others(swapped: tuple[Agreement, np.ndarray]) -> None:
    judged, places = swapped
    seen = np.isin(judged.example, places)
    found = label_issues(judged)
    assert seen.sum() >= 25
    assert seen[found].sum() >= 0.75 * seen.sum()
    assert seen[found].mean() >= 0.75
    assert (judged.predicted[found] != judged.label[found]).all()
    first = found[: seen.sum() // 3]
    assert seen[first].mean() >= 0.9  # the surest come first


@pytest.mark.parametrize("method", get_args(Method))
def test_every_way_finds_swapped_labels_without_a_process_or_a_word(
    swapped: tuple[Agreement, np.ndarray],
    method: Method,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(multiprocessing, "Pool", None)
    judged, places = swapped
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = label_issues(judged, method)
    assert np.isin(judged.example, places)[found].sum() >= 12
    assert capfd.readouterr() == ("", "")


def test_labels_are_not_judged_where_that_cannot_be_done(
    swapped: tuple[Agreement, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert why_not_judged(swapped[0]) == ""
    one = agreement([Answers.of(np.arange(3), np.ones(3), np.ones(3), np.eye(3))])
    assert "at least two classes" in why_not_judged(one)
    monkeypatch.setattr(module, "MOST_NUMBERS", 1000)
    assert "images of 10 classes are more probabilities" in why_not_judged(swapped[0])


def test_a_class_without_images_and_a_set_without_mistakes_have_no_issues() -> None:
    labels = np.array([0, 1, 3] * 20)
    said = np.full((60, 4), 0.01)
    said[np.arange(60), labels] = 0.97
    assert label_issues(agreement([Answers.of(np.arange(60), labels, labels, said)])).tolist() == []

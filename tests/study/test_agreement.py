"""What several models say of the same images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from study.agreement import Answers, agreement, judgement_in_words

LABELS = {0: 0, 1: 1, 2: 0, 3: 1}


def answers(said: Mapping[int, Sequence[float]]) -> Answers:
    """What a model says of some images, by their numbers."""
    rows = np.array([*said.values()])
    return Answers.of(np.array([*said]), np.array([LABELS[one] for one in said]), rows.argmax(axis=1), rows)


def test_it_counts_by_how_many_of_those_that_judge_an_image_it_is_wrong() -> None:
    found = agreement(
        [
            answers({0: [0.9, 0.1], 1: [0.8, 0.2], 3: [0.4, 0.6]}),
            answers({1: [0.9, 0.1], 2: [0.1, 0.9]}),
            answers({1: [1.0, 0.0], 2: [0.7, 0.3]}),
        ]
    )
    assert found.models == 3
    assert found.example.tolist() == [0, 1, 2, 3]
    assert found.label.tolist() == [0, 1, 0, 1]
    assert found.judging.tolist() == [1, 3, 2, 1]
    assert found.wrong.tolist() == [0, 3, 1, 0]
    expected = [[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]]
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-6)
    assert found.predicted.tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(found.confidence, [0.9, 0.9, 0.6, 0.6], rtol=1e-6)


def test_where_one_model_judges_its_own_prediction_counts_whatever_rounding_did_to_its_probabilities() -> None:
    tied = Answers.of(np.array([0]), np.array([1]), np.array([1]), np.array([[0.5, 0.5]]))
    assert agreement([tied]).predicted.tolist() == [1]
    assert agreement([tied]).wrong.tolist() == [0]
    assert agreement([tied, tied]).predicted.tolist() == [0]  # of the mean the first of the largest


def test_the_order_of_models_changes_nothing_but_the_last_digits() -> None:
    models = [answers({0: [0.9, 0.1], 1: [0.8, 0.2]}), answers({1: [0.3, 0.7]}), answers({1: [0.6, 0.4], 2: [1, 0]})]
    one, other = agreement(models), agreement(models[::-1])
    np.testing.assert_allclose(one.probabilities, other.probabilities, rtol=1e-6)
    for name in ("example", "label", "predicted", "judging", "wrong"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()


def test_models_of_other_data_are_refused() -> None:
    one, other = (Answers.of(np.array([0]), np.array([label]), np.array([0]), np.eye(2)[:1]) for label in (0, 1))
    with pytest.raises(ValueError, match="two labels"):
        agreement([one, other])
    wider = Answers.of(np.array([0]), np.array([0]), np.array([0]), np.eye(3)[:1])
    with pytest.raises(ValueError, match="same classes"):
        agreement([one, wider])


@pytest.mark.parametrize(
    ("wrong", "judging", "models", "confidence", "said"),
    [
        (5, 5, 5, 0.97, "wrong on all 5 and confident: probably a wrong label"),
        (5, 5, 5, 0.6, "wrong on all 5, but unsure: hard"),
        (2, 5, 5, 0.97, "wrong on 2 of 5: hard"),
        (1, 1, 5, 0.97, "wrong on the only one of 5 that judges it, and confident: perhaps a wrong label"),
        (1, 1, 5, 0.6, "wrong on the only one of 5 that judges it, and unsure: hard"),
        (1, 1, 1, 0.9, "confident: perhaps a wrong label"),
        (1, 1, 1, 0.89, "unsure: hard"),
    ],
)
def test_what_agreement_means_is_said(wrong: int, judging: int, models: int, confidence: float, said: str) -> None:
    assert judgement_in_words(wrong, judging, models, confidence) == said

"""What a study has to be sorted and charted by."""

from __future__ import annotations

import pytest

from flows.comparison.study_metrics import study_metrics
from study.statistics import compare_trials
from tests.support.trials import TARGET, finals, reaching, trial

COUNTS = {"planned": 8, "completed": 6, "diverged": 1, "failed": 1}


def test_the_answer_in_numbers() -> None:
    trials = [
        *finals("adam", (0.95, 0.97, 0.99)),
        *finals("sgd", (0.85, 0.87, 0.92)),
        trial(0.95, optimizer="sgd", learning_rate=1.0, outcome="diverged"),
        trial(optimizer="sgd", learning_rate=2.0, outcome="failed"),
    ]
    found = study_metrics(compare_trials(trials, TARGET), COUNTS, {"test/accuracy": 0.9375, "seeds": 3})
    assert found == {
        "study/validation_accuracy": 0.97,
        "study/test_accuracy": 0.9375,
        "study/lead": pytest.approx((0.10 + 0.10 + 0.07) / 3),
        "study/reached_target": 4,
        "study/training_seconds": 7.0,
        "study/trials_planned": 8,
        "study/trials_completed": 6,
        "study/trials_diverged": 1,
        "study/trials_failed": 1,
    }


def test_what_a_comparison_does_not_have_is_left_out() -> None:
    lone = study_metrics(compare_trials(reaching("adam", (3, 0)), TARGET), COUNTS, None)
    assert "study/validation_accuracy" in lone
    assert not {"study/lead", "study/test_accuracy"} & lone.keys()
    nothing = study_metrics(compare_trials([], TARGET), COUNTS, None)
    assert nothing["study/training_seconds"] == nothing["study/reached_target"] == 0
    assert "study/validation_accuracy" not in nothing

"""What a study has to be sorted and charted by."""

from __future__ import annotations

import pytest

from flows.comparison.study_metrics import study_metrics
from tests.support.made_up_studies import compared, trial

COUNTS = {"ended": 8, "completed": 6, "diverged": 1, "failed": 1}
TUNING = [trial("adam", 0.1, 0, 0.5, 0.95), trial("sgd", 0.1, 0, 0.85), trial("lion", 0.1, 0, 0.3)]
CONFIRM = [
    trial(optimizer, 0.1, 1000 + number, accuracy)
    for optimizer, accuracies in {"adam": (0.95, 0.97), "sgd": (0.93, 0.96), "lion": (0.30, 0.33)}.items()
    for number, accuracy in enumerate(accuracies)
]


def test_the_answer_in_numbers() -> None:
    comparison = compared([*TUNING, *CONFIRM], seeds=1, looks=(2,))
    found = study_metrics(comparison, COUNTS, {"test/accuracy": 0.9375, "seeds": 2})
    # sgd differs by -0.02 and -0.01, lion by -0.65 and -0.64: both with a standard deviation of 0.01 / sqrt(2).
    assert found == {
        "study/validation_accuracy": pytest.approx(0.96),
        "study/test_accuracy": 0.9375,
        "study/lead": pytest.approx(0.015),
        "study/costs_at_most": pytest.approx(comparison.answer.costs_at_most),
        "study/worse": 1,
        "study/as_good": 0,
        "study/better": 0,
        "study/undecided": 1,
        "study/difference_deviation": pytest.approx(0.01 / 2**0.5),
        "study/reached_target": 5,
        "study/training_seconds": 20.0,
        "study/trials_ended": 8,
        "study/trials_completed": 6,
        "study/trials_diverged": 1,
        "study/trials_failed": 1,
    }


def test_another_metric_has_names_of_its_own() -> None:
    comparison = compared([*TUNING, *CONFIRM], seeds=1, looks=(2,), metric="macro_f1")
    found = study_metrics(comparison, COUNTS, {"test/macro_f1": 0.75, "seeds": 2})
    assert (found["study/validation_macro_f1"], found["study/test_macro_f1"]) == (pytest.approx(0.96), 0.75)
    assert not [name for name in found if "accuracy" in name]


def test_what_a_comparison_does_not_have_is_left_out() -> None:
    tuned = study_metrics(compared(TUNING), COUNTS, None)
    assert tuned["study/validation_accuracy"] == 0.95
    assert not {"study/lead", "study/test_accuracy", "study/worse", "study/costs_at_most"} & tuned.keys()
    nothing = study_metrics(compared([]), COUNTS, None)
    assert nothing["study/training_seconds"] == nothing["study/reached_target"] == 0
    assert "study/validation_accuracy" not in nothing

from __future__ import annotations

import json

from tasks.training.fit_state import EpochRow, FitState

OLD = {  # as a checkpoint has it that was saved before other measures were kept
    "epoch": 1,
    "train_loss": 0.5,
    "train_accuracy": 0.75,
    "validation_loss": 0.25,
    "validation_accuracy": 0.875,
    "learning_rate": 0.01,
    "step_milliseconds": 1.5,
    "epoch_seconds": 2.5,
}


def test_a_row_has_its_measures_by_the_names_of_the_tracker() -> None:
    own = {"validation_balanced_accuracy": 0.8, "validation_macro_f1": 0.7, "validation_top_5_accuracy": 1.0}
    metrics = EpochRow(**{**OLD, **own}).metrics()
    assert metrics["validation/balanced_accuracy"] == 0.8
    assert metrics["validation/macro_f1"] == 0.7
    assert metrics["validation/top_5_accuracy"] == 1.0


def test_a_row_of_an_older_version_is_read_and_has_what_it_had() -> None:
    state = FitState.model_validate_json(json.dumps({"rows": [OLD], "epoch": {}}))
    assert state.rows[0].validation_balanced_accuracy is None
    assert set(state.rows[0].metrics()) == {
        *("train/loss", "train/accuracy", "validation/loss", "validation/accuracy"),
        *("learning_rate", "step_milliseconds", "epoch_seconds"),
    }

from __future__ import annotations

from typing import Any

import pytest

from flows.lifecycle.train_result import TrainResult
from flows.parameters.train import TrainParameters
from tasks.training.fit_state import EpochRow

ROW = EpochRow(
    epoch=3,
    train_loss=0.5,
    train_accuracy=0.75,
    validation_loss=0.25,
    validation_accuracy=0.875,
    learning_rate=0.01,
    step_milliseconds=1.5,
    epoch_seconds=2.5,
    validation_macro_f1=0.625,
)


def result(parameters: dict[str, Any]) -> TrainResult:
    return TrainResult(
        parameters=parameters,
        run_id="run",
        experiment_id="1",
        run_url="mlflow",
        flow_run_id="flow",
        flow_run_url="prefect",
        outcome="completed",
        reason="",
        epochs=(ROW,),
        best=ROW,
        test={"test/loss": 0.3, "test/accuracy": 0.9, "test/macro_f1": 0.7},
        dataset_digest="0",
        seconds=2.5,
    )


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (
            TrainParameters().recorded(),
            (
                "Test accuracy 0.9000, test loss 0.3000, after 1 epoch in 2.5 s. "
                "Best validation accuracy 0.8750, in epoch 3."
            ),
        ),
        (
            TrainParameters(metric="macro_f1").recorded(),
            (
                "Test accuracy 0.9000, macro F1 0.7000, test loss 0.3000, after 1 epoch in 2.5 s. "
                "Best validation macro F1 0.6250, in epoch 3."
            ),
        ),
        ({}, "Best validation accuracy 0.8750, in epoch 3."),  # as an older version printed it
    ],
)
def test_the_summary_names_the_metric(parameters: dict[str, Any], said: str) -> None:
    assert result(parameters).summary().endswith(said)


def test_the_summary_says_which_epoch_is_kept_and_why_a_run_ended_early() -> None:
    kept = result(TrainParameters(keep="best").recorded())
    assert "test loss 0.3000, with the weights of epoch 3, after 1 epoch in 2.5 s." in kept.summary()
    reason = "ended after epoch 5: no better validation accuracy in 2 epochs since epoch 3"
    assert kept.model_copy(update={"reason": reason}).summary().endswith(f"in epoch 3. It {reason}.")

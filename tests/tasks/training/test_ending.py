"""When a fit is over before all of its epochs: as often as this is asked, of the same epochs, the same."""

from __future__ import annotations

import pytest

from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError
from tasks.training.ending import ended_early, require_validation_images
from tasks.training.fit_state import EpochRow


def rows(*accuracies: float | None) -> tuple[EpochRow, ...]:
    """Epochs of these accuracies, whose macro F1 goes the other way."""
    values = dict.fromkeys(EpochRow.model_fields, 0.5) | {"weights_sha256": None}
    return tuple(
        EpochRow(
            **values
            | {
                "epoch": epoch,
                "validation_accuracy": accuracy,
                "validation_macro_f1": None if accuracy is None else 1 - accuracy,
            }
        )
        for epoch, accuracy in enumerate(accuracies, start=1)
    )


@pytest.mark.parametrize(
    ("accuracies", "patience", "told"),
    [
        ((), 1, ""),
        ((0.5,), 1, ""),
        ((0.5, 0.6, 0.7), 1, ""),
        ((0.5, 0.7, 0.6), 1, "ended after epoch"),
        ((0.5, 0.7, 0.6), 2, ""),
        ((0.5, 0.7, 0.7, 0.7), 2, "ended after epoch"),  # as good is not better
        ((0.5, 0.7, 0.6, 0.8), 2, ""),
        ((0.9, 0.7, 0.8, 0.85), 3, "ended after epoch"),  # better than the last, but not than the best
        ((0.9, 0.1, 0.1, 0.1), None, ""),
        ((None, None, None), 1, ""),
    ],
)
def test_a_fit_is_over_after_so_many_epochs_that_are_no_better(
    accuracies: tuple[float | None, ...], patience: int | None, told: str
) -> None:
    said = ended_early(rows(*accuracies), "accuracy", patience)
    assert said[: len("ended after epoch")] == told


def test_the_reason_names_the_metric_and_the_epochs() -> None:
    told = ended_early(rows(0.5, 0.7, 0.6, 0.6), "accuracy", 2)
    assert told == "ended after epoch 4: no better validation accuracy in 2 epochs since epoch 2"
    told = ended_early(rows(0.5, 0.7), "macro_f1", 1)
    assert told == "ended after epoch 2: no better validation macro F1 in 1 epoch since epoch 1"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"keep": "best", "patience": None}, "keep: received 'best'"),
        ({"keep": "last", "patience": 3}, "patience: received 3"),
    ],
)
def test_without_validation_images_there_is_no_best_epoch_to_decide(
    prepared: PreparedDataset, given: dict, told: str
) -> None:
    require_validation_images(prepared, **given)
    bare = prepared.model_copy(update={"examples": {**prepared.examples, "validation": 0}})
    with pytest.raises(InputError, match=f"{told}, but there are no validation images to tell the best epoch by"):
        require_validation_images(bare, **given)
    require_validation_images(bare, keep="last", patience=None)

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tasks.tracking.outbox_entries import (
    ENTRY,
    Attachment,
    DatasetUsed,
    End,
    Entry,
    Metrics,
    ModelFile,
    Parameters,
    Tags,
)


@pytest.mark.parametrize(
    "entry",
    [
        Parameters(parameters={"epochs": "3"}),
        Tags(tags={"outcome": "completed"}),
        Metrics(
            metrics={"train/loss": 0.1 + 0.2, "largest": math.inf, "smallest": -math.inf},
            step=3,
            timestamp=1_700_000_000_000,
        ),
        DatasetUsed(name="digits", digest="abc", source="{}", features="{}", profile="{}"),
        Attachment(name="curves.png", content=bytes(range(256))),
        ModelFile(path=Path("a b/fitted.keras"), image_shape=(32, 32, 1), num_classes=10),
        End(status="KILLED", timestamp=1_700_000_000_000),
    ],
    ids=lambda entry: entry.kind,
)
def test_an_entry_comes_back_from_its_line_as_it_was(entry: Entry) -> None:
    line = entry.model_dump_json()
    assert "\n" not in line
    assert ENTRY.validate_json(line) == entry


def test_what_is_no_number_stays_what_it_is() -> None:
    entry = ENTRY.validate_json(Metrics(metrics={"validation/loss": math.nan}, step=1, timestamp=2).model_dump_json())
    assert isinstance(entry, Metrics)
    assert math.isnan(entry.metrics["validation/loss"])

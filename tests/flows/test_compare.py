"""The flow that compares: what it refuses before anything is recorded. Whole comparisons are in tests/end_to_end."""

from __future__ import annotations

import pytest

from flows.compare import compare
from flows.parameters.compare import CompareParameters
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError
from tests.support.store import store


@pytest.mark.usefixtures("workplace")
def test_more_batches_for_an_update_than_there_are_leave_no_comparison(
    prepared: PreparedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.compare.prepare", lambda *_: prepared)
    given = CompareParameters(dataset="digits", epochs=2, batch_sizes=(32, 95), accumulate=5)
    # 190 images: 6 batches of 32 in an epoch, but 2 of 95.
    with pytest.raises(InputError, match="accumulate: received 5, but the whole training has 4 batches"):
        compare.fn(**given.model_dump())
    experiments = [each.experiment_id for each in store().search_experiments()]
    assert store().search_runs(experiments) == []

"""How the trials of a comparison are closed once their workers are gone."""

from __future__ import annotations

from types import SimpleNamespace
from uuid import uuid4

import pytest

from flows.comparison import run_rounds
from flows.comparison.scheduling import MOST_FAILURES_IN_A_ROW, Tally


@pytest.mark.parametrize(("failures", "closed_as"), [(MOST_FAILURES_IN_A_ROW, ["KILLED"]), (0, [])])
def test_a_trial_that_goes_on_while_its_comparison_is_given_up_is_closed_too(
    failures: int, closed_as: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(run_rounds, "_close_trials", closed.append)
    monkeypatch.setattr(run_rounds, "close_task_runs", lambda _: None)
    monkeypatch.setattr(run_rounds, "flow_run", SimpleNamespace(id=str(uuid4())))
    tally = Tally()
    with run_rounds._trials_closed(tally):
        tally.failed_in_a_row = failures
        assert closed == []
    assert closed == closed_as

"""What is said before anything runs of what a comparison could show."""

from __future__ import annotations

import pytest

from flows.comparison import power
from flows.parameters.compare import CompareParameters
from flows.parameters.study_plan import plan_of
from tasks.tracking.stored_run import StoredRun

EXAMPLES = {"train": 900, "validation": 100}


def earlier(monkeypatch: pytest.MonkeyPatch, *runs: StoredRun) -> None:
    def find(condition: str) -> list[StoredRun]:
        assert condition == "tags.run.flow = 'compare' and tags.`dataset.digest` = 'data'"
        return list(runs)

    monkeypatch.setattr(power.mlflow_client, "find_runs", find)


def said(**given: object) -> list[str]:
    return power.what_it_could_show(plan_of(CompareParameters(**given), EXAMPLES), "data")


def test_without_an_earlier_comparison_it_is_a_guess_from_the_images(monkeypatch: pytest.MonkeyPatch) -> None:
    earlier(monkeypatch)
    (sentence,) = said(optimizers="sgd,adam", looks=5)
    # A seed varies by sqrt(2 * 0.98 * 0.02 / 100) = 0.0198; five of them find 1.68 times that, by the noncentral t.
    assert "it finds a difference of 3.33 points with 5 confirm seeds" in sentence
    assert "vary by 1.98 points (standard deviation), a guess from 100 validation images alone" in sentence


def test_an_earlier_comparison_of_the_same_data_tells_the_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    unconfirmed = StoredRun("older", "1", "compare digits", "FINISHED", {}, {}, {"study/lead": 0.1})
    confirmed = StoredRun("known", "1", "compare digits", "FINISHED", {}, {}, {"study/difference_deviation": 0.004})
    earlier(monkeypatch, unconfirmed, confirmed)
    (sentence,) = said(optimizers="sgd,adam", looks="5,10")
    assert "of 0.82 and 0.46 points with 5 and 10 confirm seeds" in sentence
    assert "vary by 0.4 points (standard deviation), as in the comparison known on the same data" in sentence


def test_a_spread_is_taken_from_a_comparison_about_the_same_metric_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    deviation = {"study/difference_deviation": 0.004}
    plain = StoredRun("plain", "1", "compare digits", "FINISHED", {}, {}, deviation)
    balanced = StoredRun("balanced", "1", "compare digits", "FINISHED", {"compare.metric": "macro_f1"}, {}, deviation)
    earlier(monkeypatch, balanced, plain)
    assert "as in the comparison plain on" in said(optimizers="sgd,adam", looks="5")[0]
    assert "as in the comparison balanced on" in said(optimizers="sgd,adam", looks="5", metric="macro_f1")[0]
    guess = "a guess from 100 validation images alone, as if balanced accuracy were accuracy: no comparison"
    assert guess in said(optimizers="sgd,adam", looks="5", metric="balanced_accuracy")[0]


def test_what_confirms_nothing_could_show_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    earlier(monkeypatch)
    assert said(looks=None) == ["Nothing is confirmed (looks: none), so it could show nothing about which is better."]
    assert said(optimizers="adam") == []

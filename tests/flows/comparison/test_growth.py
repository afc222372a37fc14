"""A comparison may grow, and never shrinks."""

from __future__ import annotations

from typing import Any

import pytest

from flows.compare import compare
from flows.comparison.growth import growth_in_words, growth_tags, resumed_study
from flows.comparison.stored_study import open_study, stored_parameters, study_directory
from flows.parameters.compare import CompareParameters
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError
from tasks.tracking import mlflow_client
from tasks.tracking.claim import claim
from tests.support.studies import begun

PARAMETERS = CompareParameters(dataset="digits", optimizers=("sgd", "adam"), seeds=2, looks=(5, 10))


@pytest.fixture
def study(workplace: object, prepared: PreparedDataset) -> str:
    assert workplace
    return begun(PARAMETERS, prepared)


def go_on(study: str, given: dict[str, Any]) -> None:
    mlflow_client.reopen_run(study, growth_tags(resumed_study(given)))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"seeds": 1}, "seeds: received 1; allowed: at least 2. A comparison that is gone on with may grow"),
        ({"looks": "5,20"}, "looks: received 5,20; allowed: 5,10, and more"),
        ({"looks": None}, "looks: received none; allowed: 5,10, and more"),
        ({"optimizers": "sgd,lion"}, "optimizers: received sgd,lion; allowed: sgd,adam, and more"),
        ({"margin": 0.01}, "margin: received 0.01, but run"),
        ({"epochs": 3}, "epochs: received 3, but run"),
    ],
)
def test_what_would_make_its_trials_worthless_is_refused(study: str, given: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as error:
        resumed_study({"resume": study, **given})
    assert told in str(error.value)


def test_more_seeds_looks_and_contenders_belong_to_it_from_then_on(study: str) -> None:
    given = {"resume": study, "seeds": "3", "looks": "5,10,20", "optimizers": "sgd,adam,lion"}
    resumed = resumed_study(given)
    assert (resumed.seeds, resumed.looks, resumed.optimizers) == (3, (5, 10, 20), ("sgd", "adam", "lion"))
    assert stored_parameters(open_study(study)) == PARAMETERS  # until it goes on
    go_on(study, given)
    assert stored_parameters(open_study(study)) == resumed.model_copy(update={"resume": None})
    assert resumed_study({"resume": study}).recorded() == resumed.recorded()
    said = growth_in_words(open_study(study))
    assert "looks 5,10 became 5,10,20, optimizers sgd,adam became sgd,adam,lion, seeds 2 became 3" in said
    go_on(study, {"resume": study, "seeds": 4})
    assert growth_in_words(open_study(study)).endswith("seeds 3 became 4).")


def test_what_stays_as_it_was_has_not_grown(study: str) -> None:
    assert growth_tags(resumed_study({"resume": study, "workers": 3})) == {}
    assert growth_in_words(open_study(study)) == ""


@pytest.mark.parametrize("refuses", ["prepare", "require_weights_of_study"])
def test_a_comparison_that_is_refused_has_not_grown(study: str, refuses: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise InputError("other data, or other weights")

    monkeypatch.setattr(f"flows.compare.{refuses}", refuse)
    before = open_study(study)
    with claim(study_directory(study)) as claimed:
        claimed.given = {"resume": study, "seeds": 3}
        with pytest.raises(InputError, match="other data, or other weights"):
            compare.fn(resume=study)
    assert open_study(study) == before


def test_what_was_said_counts_even_where_it_is_the_default(study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[CompareParameters] = []

    def stop(p: CompareParameters, _bound: object) -> None:
        asked.append(p)
        raise KeyboardInterrupt

    monkeypatch.setattr("flows.compare.prepare", stop)
    with claim(study_directory(study)) as claimed:
        claimed.given = {"resume": study, "looks": CompareParameters().looks}
        with pytest.raises(KeyboardInterrupt):
            compare.fn(resume=study)
    assert [p.looks for p in asked] == [CompareParameters().looks] != [PARAMETERS.looks]


def test_defaults_that_nobody_gave_are_no_growth(study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.compare.is_complete", lambda p: p.seeds == 2)  # not asked of one that has grown
    monkeypatch.setattr("flows.compare.report", lambda study: [study])
    with claim(study_directory(study)):
        assert compare.fn(**CompareParameters(resume=study).model_dump()) == study

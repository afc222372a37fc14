"""A comparison may grow, and never shrinks."""

from __future__ import annotations

from typing import Any

import pytest

from flows.comparison.growth import grow, growth_in_words, resumed_study
from flows.comparison.stored_study import open_study, stored_parameters
from flows.parameters.compare import CompareParameters
from tasks.data.prepared import PreparedDataset
from tasks.foundation.errors import InputError
from tests.support.studies import begun

PARAMETERS = CompareParameters(dataset="digits", optimizers=("sgd", "adam"), seeds=2, looks=(5, 10))


@pytest.fixture
def study(workplace: object, prepared: PreparedDataset) -> str:
    assert workplace
    return begun(PARAMETERS, prepared)


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
    grow(resumed)
    assert stored_parameters(open_study(study)) == resumed.model_copy(update={"resume": None})
    assert resumed_study({"resume": study}).recorded() == resumed.recorded()
    said = growth_in_words(open_study(study))
    assert "looks 5,10 became 5,10,20, optimizers sgd,adam became sgd,adam,lion, seeds 2 became 3" in said


def test_what_stays_as_it_was_has_not_grown(study: str) -> None:
    grow(resumed_study({"resume": study, "workers": 3}))
    assert growth_in_words(open_study(study)) == ""
    assert stored_parameters(open_study(study)) == PARAMETERS


def test_defaults_that_nobody_gave_are_no_growth(study: str) -> None:
    grow(CompareParameters(resume=study))
    assert stored_parameters(open_study(study)) == PARAMETERS

"""What a promotion is asked: what goes together, and what is told of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from flows.parameters.promote import PromoteParameters
from flows.parameters.signature import validated
from tasks.foundation.errors import InputError


@pytest.mark.parametrize(
    "given",
    [
        {"run": "abc", "name": "pets"},
        {"run": "abc", "name": "pets", "margin": "0.01", "force": True},
        {"run": None, "name": "pets", "back": True},
    ],
)
def test_what_goes_together_is_taken(given: dict[str, Any]) -> None:
    assert validated(PromoteParameters, given).name == "pets"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"run": "abc"}, "name: received nothing; say under which name"),
        ({"name": "pets"}, "run: received nothing; name a run that has finished, or a comparison; or give back"),
        ({"name": "pets", "run": "abc", "back": True}, "back: judges no run, so it goes with name alone"),
        ({"name": "pets", "force": True, "back": True}, "back: judges no run, so it goes with name alone"),
        ({"name": "pets", "run": "abc", "margin": "-1"}, "margin: received '-1'; allowed: a number, at least 0, less"),
        ({"name": "pets", "run": "abc", "margin": "much"}, "margin: received 'much'; allowed: a number, at least 0"),
        ({"name": "a/b", "run": "abc"}, "name: received 'a/b'; allowed: letters, digits"),
    ],
)
def test_the_rest_is_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as error:
        validated(PromoteParameters, given)
    assert told in str(error.value)

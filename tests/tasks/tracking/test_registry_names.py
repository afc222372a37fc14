from __future__ import annotations

import pytest

from tasks.foundation.errors import InputError
from tasks.tracking.registry_names import LONGEST_NAME, require_model_name, require_no_address


@pytest.mark.parametrize("name", ["lenet", "digits LeNet-2.1", "ziffern_ä", "7", "x" * LONGEST_NAME])
def test_names_that_people_give_are_taken(name: str) -> None:
    assert require_model_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " ", "a/b", "a:b", "a@champion", "..", ".", "-x", "a ", " a", "a\n", "a'b", "a?b", "a%2Fb", "x" * 201],
)
def test_names_that_no_address_can_hold_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"name: received .*; allowed: letters, digits, blanks"):
        require_model_name(name)


@pytest.mark.parametrize("name", [" ", "a/b", "a:b", "runs:", "..", "."])
def test_a_name_that_no_registry_has_is_told_before_it_is_asked(name: str) -> None:
    with pytest.raises(InputError, match=r"name: received .*; allowed: letters, digits, blanks"):
        require_no_address(name)
    require_no_address("what (others) call 'it'")

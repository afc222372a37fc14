"""The error of a wrong name is the documentation that its reader gets."""

from __future__ import annotations

import pytest

from models.choice import choose

TABLE = {"momentum": 3, "adam": 1, "sgd": 2}


def test_a_known_name_gives_its_entry() -> None:
    assert choose("optimizer", TABLE, "sgd") == 2


def test_a_near_miss_is_told_the_choices_in_order_and_the_nearest() -> None:
    with pytest.raises(ValueError, match="unknown optimizer") as caught:
        choose("optimizer", TABLE, "adm")
    assert str(caught.value) == ("unknown optimizer 'adm'; choose one of: adam, momentum, sgd; did you mean 'adam'?")


@pytest.mark.parametrize("name", ["", "xyz", "ADAM"])
def test_a_name_like_none_gets_no_suggestion(name: str) -> None:
    with pytest.raises(ValueError, match="unknown loss") as caught:
        choose("loss", TABLE, name)
    assert str(caught.value) == f"unknown loss {name!r}; choose one of: adam, momentum, sgd"

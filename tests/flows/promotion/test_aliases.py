"""Which version a name stands for, broken off at every step, and asked for twice at once."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.promotion import aliases
from flows.promotion.aliases import champion_becomes, finish_move, go_back
from tasks.foundation.errors import InputError, PlainError, StorageError
from tasks.tracking.mlflow_registry import find_model
from tests.support.store import store

STEPS = ("move_begun", "previous_set", "champion_set")


class BrokenOffError(BaseException):
    """As by a kill: nothing catches it."""


@pytest.fixture
def name(workplace: object) -> str:
    """A registered model with three versions, of which none is in use."""
    assert workplace
    store().create_registered_model("pets")
    for number in range(3):
        store().create_model_version("pets", f"file:///somewhere/{number}")
    return "pets"


@pytest.fixture
def break_off(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have the next change end at a step, once."""
    at: list[str] = []

    def crash(point: str) -> None:
        if point in at:
            at.remove(point)
            raise BrokenOffError

    monkeypatch.setattr(aliases, "crash_point", crash)
    return at.append


def aliases_of(name: str) -> dict[str, str]:
    model = find_model(name)
    assert model
    return model.aliases


def left(name: str) -> dict[str, str]:
    model = find_model(name)
    assert model
    return model.tags


def test_the_first_is_champion_and_each_later_one_leaves_the_previous(name: str) -> None:
    champion_becomes(name, "1", instead_of=None)
    assert aliases_of(name) == {"champion": "1"}
    champion_becomes(name, "2", instead_of="1")
    assert aliases_of(name) == {"champion": "2", "previous": "1"}
    champion_becomes(name, "3", instead_of="2")
    assert aliases_of(name) == {"champion": "3", "previous": "2"}
    assert left(name) == {}


def test_going_back_swaps_and_going_back_again_swaps_again(name: str) -> None:
    champion_becomes(name, "1", instead_of=None)
    champion_becomes(name, "2", instead_of="1")
    assert go_back(name).champion == "1"
    assert aliases_of(name) == {"champion": "1", "previous": "2"}
    assert go_back(name).champion == "2"
    assert aliases_of(name) == {"champion": "2", "previous": "1"}


def test_there_is_nothing_to_go_back_to_without_a_previous_one(name: str) -> None:
    with pytest.raises(InputError, match=r"back: 'pets' has no previous champion .* its champion is none"):
        go_back(name)
    champion_becomes(name, "1", instead_of=None)
    with pytest.raises(InputError, match="its champion is version 1"):
        go_back(name)
    with pytest.raises(InputError, match=r"name: the registry .* has no model 'dogs'; promote a run"):
        go_back("dogs")


@pytest.mark.parametrize("step", STEPS)
def test_a_promotion_that_is_broken_off_is_finished_by_the_next_call(
    name: str, step: str, break_off: Callable[[str], None]
) -> None:
    champion_becomes(name, "1", instead_of=None)
    champion_becomes(name, "2", instead_of="1")
    break_off(step)
    with pytest.raises(BrokenOffError):
        champion_becomes(name, "3", instead_of="2")
    assert aliases_of(name)["champion"] in ("2", "3")
    finished = finish_move(name)
    assert finished
    assert (finished.kind, finished.champion) == ("promote", "3")
    assert aliases_of(name) == {"champion": "3", "previous": "2"}
    assert (finish_move(name), left(name)) == (None, {})


@pytest.mark.parametrize("step", STEPS)
def test_going_back_that_is_broken_off_is_finished_once_when_it_is_asked_again(
    name: str, step: str, break_off: Callable[[str], None]
) -> None:
    champion_becomes(name, "1", instead_of=None)
    champion_becomes(name, "2", instead_of="1")
    break_off(step)
    with pytest.raises(BrokenOffError):
        go_back(name)
    assert aliases_of(name)["champion"] in ("1", "2")
    assert go_back(name).champion == "1"
    assert aliases_of(name) == {"champion": "1", "previous": "2"}
    assert left(name) == {}


def test_going_back_from_a_promotion_that_was_broken_off_finishes_it_first(
    name: str, break_off: Callable[[str], None]
) -> None:
    champion_becomes(name, "1", instead_of=None)
    break_off("move_begun")
    with pytest.raises(BrokenOffError):
        champion_becomes(name, "2", instead_of="1")
    assert go_back(name).champion == "1"
    assert aliases_of(name) == {"champion": "1", "previous": "2"}


def test_of_two_promotions_at_once_the_second_moves_nothing(name: str) -> None:
    champion_becomes(name, "1", instead_of=None)
    champion_becomes(name, "2", instead_of="1")
    with pytest.raises(PlainError, match="Version 2 of 'pets' has become champion while version 3 was"):
        champion_becomes(name, "3", instead_of="1")
    assert aliases_of(name) == {"champion": "2", "previous": "1"}


def test_locks_are_not_laid_where_somebody_else_leads_them(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(workplace))
    (workplace / "precious").mkdir()
    (workplace / f"flows-{os.getuid()}").symlink_to(workplace / "precious")
    with pytest.raises(StorageError, match=r"cannot write '.*flows-\d+': it belongs to somebody else"):
        finish_move("pets")
    assert list((workplace / "precious").iterdir()) == []

"""From what was typed to what a command is given."""

from __future__ import annotations

from typing import Any

import pytest
from cyclopts import App

from flows.command_line.options import command_of
from flows.parameters.signature import validated
from flows.parameters.train import TrainParameters


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [
        ("--keep-together none", "keep_together", "none"),
        ("--class-weight none", "class_weight", "none"),
        ("--limit-examples none", "limit_examples", None),
        ("--augment none", "augment", None),
    ],
)
def test_none_is_nothing_but_where_it_is_a_choice(typed: str, name: str, value: str | None) -> None:
    given: dict[str, Any] = {}

    def function(**received: Any) -> int:
        given.update(received)
        return 0

    App(default_command=command_of(TrainParameters, function), result_action="return_value")(typed.split())
    assert given == {name: value}
    assert getattr(validated(TrainParameters, given), name) == value

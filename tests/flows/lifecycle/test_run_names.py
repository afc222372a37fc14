"""What runs are called: as a person has typed it, else by what they do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from prefect.utilities.names import generate_slug

from flows.lifecycle import run_names
from flows.lifecycle.run_names import is_made_up, name_from, run_name
from flows.parameters.compare import CompareParameters
from flows.parameters.train import TrainParameters
from tasks.foundation.errors import InputError

MADE_UP = "masterful-fulmar"


@pytest.mark.parametrize("name", [MADE_UP, "phi-parsion-terminus", "omega473-canis-majoris", "beta2-risa-x"])
def test_names_that_prefect_thinks_of_are_known(name: str) -> None:
    assert is_made_up(name)
    assert all(is_made_up(generate_slug(2)) for _ in range(200))


@pytest.mark.parametrize(
    "name",
    ["my-run", "adam-test", "mine", "adam 0.001 s0 digits", "lr-0.1", "wolf", "a-b-c", "Masterful-Fulmar", "phi"],
)
def test_names_that_people_type_are_kept(name: str) -> None:
    assert not is_made_up(name)


def called(monkeypatch: pytest.MonkeyPatch, name: str, model: Any = TrainParameters, **given: Any) -> str:
    """Return what a flow run of that name and with these parameters is called."""
    flow_run = SimpleNamespace(name=name, flow_name="train", parameters={"dataset": "digits", **given})
    monkeypatch.setattr(run_names, "flow_run", flow_run)
    return name_from(model)()


def test_a_flow_run_is_called_what_it_does_unless_a_person_has_named_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert called(monkeypatch, MADE_UP, optimizer="adam") == "adam 0.001 s0 digits"
    assert called(monkeypatch, MADE_UP, CompareParameters) == "compare digits"
    assert called(monkeypatch, "my-run", optimizer="adam") == "my-run"
    assert called(monkeypatch, MADE_UP, run_name="mine") == "mine"
    assert called(monkeypatch, MADE_UP, epochs=0) == "train with bad input"


def test_a_resumed_run_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_run(run_id: str) -> Any:
        if run_id != "3a6b":
            raise InputError("no such run")
        return SimpleNamespace(name="lion 0.0001 s3 digits")

    monkeypatch.setattr(run_names.mlflow_client, "get_run", get_run)
    assert called(monkeypatch, MADE_UP, resume="3a6b") == "lion 0.0001 s3 digits (resumed)"
    assert called(monkeypatch, MADE_UP, resume="unknown") == "train with bad input"


def test_a_run_in_mlflow_is_called_as_its_parameters_say_or_like_its_flow_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called(monkeypatch, "my-run")
    assert run_name(TrainParameters()) == "my-run"
    assert run_name(TrainParameters(run_name="mine")) == "mine"

"""A flat signature out of a model: what Prefect, its form and a caller see."""

from __future__ import annotations

import inspect
import itertools
from typing import Annotated, Any, Literal, get_args

import pytest
from prefect.utilities.callables import parameter_schema
from pydantic import BaseModel, ConfigDict, Field

from flows.parameters.compare import CompareParameters
from flows.parameters.group import group_of
from flows.parameters.inspect import InspectParameters
from flows.parameters.signature import allowed_values, described, fields_of, flat_signature, validated
from flows.parameters.train import TrainParameters
from tasks.foundation.errors import InputError


class Recipe(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    colour: Annotated[Literal["red", "green"], Field(description="of the paint")] = "red"
    coats: Annotated[int, Field(ge=1, le=9, description="how many")] = 2
    thickness: Annotated[float | None, Field(gt=0, description="of a coat")] = None


@flat_signature(Recipe)
def paint(recipe: Recipe) -> Recipe:
    """Paint the wall."""
    return recipe


def test_the_body_receives_one_validated_model() -> None:
    assert paint(colour="green", coats="3") == Recipe(colour="green", coats=3)
    assert paint() == Recipe()


def test_errors_are_in_our_own_words() -> None:
    with pytest.raises(InputError, match=r"^coats: received 10; allowed: a whole number, at least 1, at most 9$"):
        paint(coats=10)


def test_the_signature_is_flat_and_by_keyword_only() -> None:
    parameters = inspect.signature(paint).parameters
    assert {name: parameter.default for name, parameter in parameters.items()} == Recipe().model_dump()
    assert {parameter.kind for parameter in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert paint.__name__ == "paint"
    with pytest.raises(TypeError):
        paint("green")


def test_descriptions_are_added_to_the_docstring() -> None:
    assert inspect.getdoc(paint) == (
        "Paint the wall.\n\nArgs:\n    colour: of the paint\n    coats: how many (at least 1, at most 9)\n"
        "    thickness: of a coat (more than 0)"
    )


def schema_of(function: Any) -> dict[str, dict[str, Any]]:
    return parameter_schema(function).model_dump_for_openapi()["properties"]


def test_prefect_sees_choices_bounds_descriptions_and_defaults() -> None:
    schema = schema_of(paint)
    assert schema["colour"]["enum"] == ["red", "green"]
    assert (schema["coats"]["type"], schema["coats"]["minimum"], schema["coats"]["maximum"]) == ("integer", 1, 9)
    assert schema["coats"]["default"] == 2
    assert schema["coats"]["description"] == "how many (at least 1, at most 9)"
    assert [schema[name]["position"] for name in ("colour", "coats", "thickness")] == [0, 1, 2]
    assert {"type": "null"} in schema["thickness"]["anyOf"]
    assert schema["thickness"]["anyOf"][0]["exclusiveMinimum"] == 0


def test_prefect_sees_all_parameters_of_the_train_flow() -> None:
    from flows.train import train

    schema = schema_of(train)
    assert list(schema) == list(fields_of(TrainParameters))
    for name, field in TrainParameters.model_fields.items():
        assert schema[name]["description"] == described(field)
        assert schema[name].get("default") == field.default
        choices = get_args(field.annotation) if "enum" in schema[name] else ()
        assert schema[name].get("enum", []) == list(choices)
        assert schema[name]["position"] == list(schema).index(name)
    assert schema["optimizer"]["anyOf"][0]["enum"][0] == "sgd"
    assert schema["learning_rate"]["anyOf"][0]["exclusiveMinimum"] == 0
    assert (schema["image_size"]["minimum"], schema["image_size"]["maximum"]) == (16, 1024)


@pytest.mark.parametrize("model", [TrainParameters, CompareParameters, InspectParameters])
def test_parameters_are_shown_group_by_group_and_none_is_left_out(model: type[BaseModel]) -> None:
    shown = list(fields_of(model))
    assert set(shown) == set(model.model_fields)
    groups = [group_of(name) for name in shown]
    assert list(dict.fromkeys(groups)) == [group for group, _ in itertools.groupby(groups)]  # each in one piece
    assert shown[0] == "dataset"


def test_the_groups_are_those_of_a_training_in_its_order() -> None:
    groups = list(dict.fromkeys(group_of(name) for name in fields_of(TrainParameters)))
    assert groups == ["Data", "Network", "Optimizer", "Training", "Recording"]
    # What people change most comes first in each.
    firsts = [next(name for name in fields_of(TrainParameters) if group_of(name) == group) for group in groups]
    assert firsts == ["dataset", "model", "optimizer", "epochs", "run_name"]


def test_bounds_of_numbers_and_of_lists_are_told_with_what_a_field_is_for() -> None:
    train, compare = TrainParameters.model_fields, CompareParameters.model_fields
    assert described(train["batch_size"]).startswith("examples in one step (at least 1")
    assert described(compare["learning_rates"]).endswith("usual one (more than 0, at most 1e+30)")
    assert described(train["download"]) == train["download"].description
    assert described(train["run_name"]) == "none: made from the parameters (of at most 250 characters)"


def test_what_is_allowed_is_said_in_words() -> None:
    fields = Recipe.model_fields
    assert allowed_values(fields["colour"]) == "one of red, green"
    assert allowed_values(fields["coats"]) == "a whole number, at least 1, at most 9"
    assert allowed_values(fields["thickness"]) == "a number, more than 0; or none"


def test_a_valid_model_comes_back() -> None:
    assert validated(Recipe, {"coats": 4}) == Recipe(coats=4)

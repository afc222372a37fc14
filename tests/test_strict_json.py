"""What is written or printed as JSON is strict: RFC 8259 has no word for NaN or infinity, and programs refuse it."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path, PurePath
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel

from flows.lifecycle.train_result import TrainResult
from tasks.tracking.outbox_entries import Metrics
from tasks.training.checkpoint import Header
from tests.test_architecture import FILES, module_of

NOT_FINITE = (math.nan, math.inf, -math.inf)


def written_models() -> Iterator[type[BaseModel]]:
    """Every pydantic model of the code: any of them may be written as JSON."""
    for path in FILES:
        if "benchmarks" in path.parts or path.stem == "__main__":
            continue
        for value in vars(importlib.import_module(module_of(path))).values():
            if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module_of(path):
                yield value


MODELS = sorted(set(written_models()), key=lambda model: f"{model.__module__}.{model.__name__}")


def filled(model: type[BaseModel], number: float) -> BaseModel:
    """A value of a model, with this number wherever it can hold one; nothing is validated."""
    written = {name: field for name, field in model.model_fields.items() if not field.exclude}
    values = {name: value_of(field.annotation, number) for name, field in written.items()}
    return model.model_construct(**values)


def value_of(kind: Any, number: float) -> Any:  # noqa: PLR0911 - a table
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return value_of(arguments[0], number)
    if origin in (Union, UnionType):  # the last, where the others mean that there is none
        return value_of([argument for argument in arguments if argument is not NoneType][-1], number)
    if origin is Literal:
        return arguments[0]
    if origin is tuple:
        return tuple(value_of(argument, number) for argument in arguments if argument is not ...)
    if origin is dict:
        return {"a name": value_of(arguments[1], number)}
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return filled(kind, number)
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**{name: value_of(each, number) for name, each in get_type_hints(kind).items()})
    if isinstance(kind, type) and issubclass(kind, PurePath):
        return Path("a path")
    return {float: number, int: 1, bool: True, str: "a word", bytes: b"bytes"}.get(kind, "a word")


def refuse(token: str) -> None:
    raise AssertionError(f"{token} is no JSON")


def test_there_are_models_to_look_at() -> None:
    assert {"TrainResult", "CompareResult", "Comparison", "Header", "Metrics", "RunFile", "PreparedDataset"} <= {
        model.__name__ for model in MODELS
    }
    assert math.isnan(filled(TrainResult, math.nan).epochs[0].validation_loss)  # type: ignore[attr-defined]


@pytest.mark.parametrize("number", NOT_FINITE)
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_no_model_is_written_with_what_is_no_json(model: type[BaseModel], number: float) -> None:
    json.loads(filled(model, number).model_dump_json(), parse_constant=refuse)


@pytest.mark.parametrize("number", NOT_FINITE)
@pytest.mark.parametrize("model", [TrainResult, Header, Metrics])
def test_what_is_read_again_comes_back_as_the_number_that_it_was(model: type[BaseModel], number: float) -> None:
    written = filled(model, number)
    assert repr(model.model_validate_json(written.model_dump_json())) == repr(written)  # a NaN equals nothing


@pytest.mark.parametrize("model", [TrainResult, Header, Metrics])
def test_files_of_before_are_read_with_the_words_that_were_in_them(model: type[BaseModel]) -> None:
    written = filled(model, math.inf)
    before = written.model_dump_json().replace('"Infinity"', "Infinity")
    assert model.model_validate_json(before) == written

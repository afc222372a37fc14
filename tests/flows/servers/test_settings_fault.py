"""A setting of Prefect that cannot be used is named, with its variable."""

from __future__ import annotations

import re

import pytest
from prefect.settings.models.root import Settings
from pydantic import TypeAdapter, ValidationError

from flows.servers.settings_fault import settings_fault


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("PREFECT_LOGGING_LEVEL", "LOUD", r"'level' \(PREFECT_LOGGING_LEVEL\) cannot be used: Input should be 'DEBUG'"),
        ("PREFECT_API_REQUEST_TIMEOUT", "soon", r"\(PREFECT_API_REQUEST_TIMEOUT\) .* should be a valid number"),
        ("PREFECT_CLIENT_CUSTOM_HEADERS", "secret", r"\(PREFECT_CLIENT_CUSTOM_HEADERS\) cannot be used: it is no JSON"),
    ],
)
def test_the_variable_is_named_and_not_what_it_holds(
    variable: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(Exception) as error:  # noqa: PT011 - of pydantic, or of pydantic_settings
        Settings()
    said = settings_fault(error.value)
    assert re.search(told, said), said
    assert value not in said


def test_other_errors_are_none_of_its_settings() -> None:
    with pytest.raises(ValidationError) as error:
        TypeAdapter(int).validate_python("one")
    assert settings_fault(error.value) == settings_fault(ValueError("one")) == ""

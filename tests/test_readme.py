from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from flows.command_line.options import as_typed
from flows.parameters.compare import CompareParameters
from flows.parameters.train import TrainParameters

README = (Path(__file__).parent.parent / "README.md").read_text()


@pytest.mark.parametrize("model", [TrainParameters, CompareParameters])
def test_the_readme_lists_every_parameter_with_its_default(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert f"| `{name}` | {as_typed(field.default)} | {field.description}" in README


def test_the_pictures_of_the_readme_are_there() -> None:
    root = Path(__file__).parent.parent
    pictures = [line.split("](")[1].rstrip(")") for line in README.splitlines() if line.startswith("![")]
    assert pictures
    assert all((root / picture).is_file() for picture in pictures)

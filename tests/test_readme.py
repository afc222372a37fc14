from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from flows.command_line.options import as_typed
from flows.parameters.compare import CompareParameters
from flows.parameters.group import group_of
from flows.parameters.shared import SharedParameters
from flows.parameters.signature import fields_of
from flows.parameters.train import TrainParameters

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("model", [TrainParameters, CompareParameters])
def test_the_readme_lists_every_parameter_with_its_default(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        assert f"| `{name}` | {as_typed(field.default)} | {field.description}" in README


def test_the_readme_lists_parameters_in_the_order_of_help_and_form() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)
    of_train = list(fields_of(TrainParameters))
    own = [name for name in fields_of(CompareParameters) if name not in SharedParameters.model_fields]
    assert listed == [*of_train, *own]


def test_the_readme_groups_parameters_as_help_does() -> None:
    shown = re.findall(r"^\| (?:\*\*(\w+)\*\*|`(\w+)`) \|", README, re.MULTILINE)
    headed, group = {}, ""
    for heading, name in shown:
        group = heading or group
        headed.setdefault(name, group)  # once more below, where a comparison has one of the same name
    assert {name: headed[name] for name in fields_of(TrainParameters)} == {
        name: group_of(name) for name in fields_of(TrainParameters)
    }


def test_the_pictures_of_the_readme_are_there() -> None:
    pictures = [line.split("](")[1].rstrip(")") for line in README.splitlines() if line.startswith("![")]
    assert pictures
    assert all((ROOT / picture).is_file() for picture in pictures)


def test_the_files_that_documents_name_are_there() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    named = [(path, name) for path in documents for name in re.findall(r"`([\w./]+/[\w.]+\.py)`", path.read_text())]
    assert len(named) > 20
    # Within a list of tests or of one room's files, the first folder goes without saying.
    below = [ROOT, ROOT / "tests", ROOT / "flows", ROOT / "tasks"]
    gone = [f"{path.name}: {name}" for path, name in named if not any((base / name).is_file() for base in below)]
    assert gone == []

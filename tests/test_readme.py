from __future__ import annotations

from pathlib import Path

from flows.parameters import TrainParameters

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_the_readme_lists_every_parameter_with_its_default() -> None:
    for name, field in TrainParameters.model_fields.items():
        default = "none" if field.default is None else str(field.default)
        default = default.lower() if isinstance(field.default, bool) else default
        assert f"| `{name}` | {default} | {field.description}" in README


def test_the_pictures_of_the_readme_are_there() -> None:
    root = Path(__file__).parent.parent
    pictures = [line.split("](")[1].rstrip(")") for line in README.splitlines() if line.startswith("![")]
    assert pictures
    assert all((root / picture).is_file() for picture in pictures)

"""What lies beside a stored model comes back as it was, also from another version's file; what is damaged is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from served_model.description import EVALUATION_BYTES, ModelDescription, read_description

DESCRIPTION = ModelDescription(("cat", "été"), (32, 32, 3), "crop", "outputs", 2, "abc")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    (path := tmp_path / "description.json").write_text(DESCRIPTION.packed(), encoding="utf-8")
    assert read_description(path) == DESCRIPTION
    assert read_description(path).block_bytes == EVALUATION_BYTES


def test_what_another_version_says_more_or_less_of_is_read(tmp_path: Path) -> None:
    said = {"classes": ["a", "b"], "image_shape": [16, 16, 1], "of a later version": {"x": 1}}
    (path := tmp_path / "description.json").write_text(json.dumps(said))
    assert read_description(path) == ModelDescription(("a", "b"), (16, 16, 1))


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"classes": ["a"], "image_shape": [16, 16, 1]}'])
def test_what_is_damaged_is_told(tmp_path: Path, content: str) -> None:
    (path := tmp_path / "description.json").write_text(content)
    with pytest.raises(ValueError, match=r"description\.json"):
        read_description(path)


@pytest.mark.parametrize(("shape", "images"), [((32, 32, 1), 2048), ((2048, 2048, 3), 1)])
def test_a_call_has_as_many_images_as_an_evaluation(shape: tuple[int, int, int], images: int) -> None:
    assert ModelDescription(("a", "b"), shape).block_images == images

"""A dataset is looked at once; what is found is kept beside it, and stored with its runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tasks import inspect as module
from tasks.data.leaks import caution_tags
from tasks.data.prepared import PreparedDataset, load_prepared
from tasks.inspect import inspected, record_dataset_page
from tasks.inspection.inspection import Inspection
from tasks.sources.images import SourceFacts
from tests.support.made_up_datasets import Made


@pytest.fixture
def base(own_prepared: PreparedDataset) -> PreparedDataset:
    return own_prepared


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each look that is taken is for nearly equal images too."""
    taken: list[bool] = []
    original = module.inspect

    def counted(prepared: PreparedDataset, *, near: bool, **how: Any) -> Inspection:
        taken.append(near)
        return original(prepared, near=near, **how)

    monkeypatch.setattr(module, "inspect", counted)
    return taken


def test_it_is_looked_once(base: PreparedDataset, looks: list[bool]) -> None:
    found, page = inspected(base)
    assert page == base.directory / "inspection" / "dataset.html"
    assert inspected(base) == (found, page)
    assert inspected(base, near=False) == (found, page)
    assert looks == [True]
    assert load_prepared(base.directory) == base  # of which nothing has changed


def test_it_is_looked_again_for_what_was_left_out(base: PreparedDataset, looks: list[bool]) -> None:
    assert not inspected(base, near=False)[0].near_compared
    assert "It was not looked for images that are nearly equal" in inspected(base, near=False)[1].read_text()
    assert inspected(base)[0].near_compared
    assert "It was not looked for" not in inspected(base)[1].read_text()
    assert looks == [False, True]


@pytest.mark.parametrize("damage", ["older", "no page"])
def test_a_page_that_is_gone_or_of_an_older_version_is_made_again(
    base: PreparedDataset, looks: list[bool], damage: str
) -> None:
    page = inspected(base)[1]
    if damage == "older":
        values = page.with_name("dataset.json")
        values.write_text(json.dumps({**json.loads(values.read_text()), "format": 0}))
        page.write_text("old")
    else:
        page.unlink()
    inspected(base)
    assert looks == [True, True]
    assert "<!doctype html>" in page.read_text()


@pytest.mark.parametrize(("soon", "near"), [(300, True), (299, False)])
def test_no_training_waits_for_a_large_set_to_be_compared(
    base: PreparedDataset, looks: list[bool], monkeypatch: pytest.MonkeyPatch, soon: int, *, near: bool
) -> None:
    stored: dict[str, bytes] = {}
    monkeypatch.setattr("tasks.tracking.record.log_pictures", lambda _, draw, __: stored.update(draw()))
    monkeypatch.setattr(module, "SOON_COMPARED", soon)
    record_dataset_page.fn(base, "a run")
    assert looks == [near]
    assert stored == {
        name: (base.directory / "inspection" / name).read_bytes() for name in ("dataset.html", "dataset.json")
    }


def test_what_was_left_out_is_stored_without_the_size_of_every_image(tmp_path: Path) -> None:
    made = Made.of(train=60, validation=10, test=20)
    every = SourceFacts(
        names={split: tuple(map(str, range(len(each)))) for split, each in made.images.items()},
        sizes=np.array([(640, 480)] * 90, dtype=np.int32),
        passed_over=("notes.txt",),
        broken=("a/broken.png",),
    )
    nothing = made.prepared(tmp_path / "whole")
    made.facts = every
    prepared = made.prepared(tmp_path / "broken")
    found, page = inspected(prepared)
    assert "All images were 640x480 pixels." in page.read_text()
    findings = json.loads(page.with_name("dataset.json").read_text())["findings"]
    assert (findings["broken"], findings["passed_over"], findings["sizes"]) == (["a/broken.png"], ["notes.txt"], [])
    assert inspected(prepared)[0] == found
    assert caution_tags(prepared) == {"dataset.left_out": "1"}
    assert caution_tags(nothing) == {}

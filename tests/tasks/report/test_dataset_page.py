"""The page of a dataset: that it needs nothing from elsewhere, shows what there is, and cuts nothing off."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from tasks.inspection.inspection import inspect
from tasks.report.dataset_page import EXAMPLES, MOST_CLASSES, dataset_page
from tasks.report.thumbnails import GAP, MOST_PIXELS, strip
from tasks.sources.images import SourceFacts
from tests.support.cut_off import CUT_OFF
from tests.support.made_up_datasets import SIDE, Made

LONG = "a_name_without_any_place_to_break_it_" * 4


def made() -> Made:
    """A set with everything that a page can show, and names that are hard to show."""
    one = Made.of(train=60, validation=10, test=20)
    for number in range(0, 12, 2):
        one.images["test"][number] = one.images["train"][number]
    one.images["train"][20:23] = 9
    names = {split: [f"{split}/{number}.png" for number in range(len(each))] for split, each in one.images.items()}
    names["train"][0] = f"<b>{LONG}</b>.png"
    names["test"][0] = "caf\udce9.png"
    facts = {split: tuple(each) for split, each in names.items()}
    sizes = np.array([(640, 480), (30, 50)] * 45, dtype=np.int32)
    one.facts = SourceFacts(names=facts, sizes=sizes, passed_over=(f"{LONG}/Thumbs.db",))
    return one


@pytest.fixture
def page(tmp_path: Path) -> Path:
    prepared = made().prepared(tmp_path / "set")
    path = tmp_path / "dataset.html"
    path.write_text(dataset_page(prepared, inspect(prepared)), encoding="utf-8")
    return path


def test_it_needs_nothing_from_elsewhere_and_escapes_what_it_was_given(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "<script" not in text
    assert "<b>" not in text
    assert f"&lt;b&gt;{LONG}&lt;/b&gt;.png" in text
    assert r"caf\udce9.png" in text


def test_it_shows_what_there_is(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "24x24 pixels, colour: 60 train, 10 validation, 20 test images of 2 classes" in text
    assert "The data came with its train, validation, test splits." in text
    assert "most often 640x480 (50%), 30x50 (50%). 100% were not square." in text
    assert text.count('class="worse"') == 6 + 1  # and two images of one colour with two labels
    assert "All pairs, those across splits" in text
    assert "Images of one colour" in text


def test_a_dataset_with_nothing_to_show_shows_nothing(tmp_path: Path) -> None:
    prepared = Made.of(train=60, validation=200, test=20).prepared(tmp_path / "set")
    text = dataset_page(prepared, inspect(prepared))
    assert "Nothing here should worry you." in text
    for heading in ("Copies", "Images of one colour", "What augmentation makes of it"):
        assert f"<h2>{heading}" not in text


def test_a_strip_holds_the_pixels_that_the_network_sees() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3), np.uint8)
    shown = pixels(str(strip(images, [3, 1], "two")))
    assert shown.shape == (SIDE, 2 * SIDE + GAP, 3)
    np.testing.assert_array_equal(shown[:, :SIDE], images[3])
    np.testing.assert_array_equal(shown[:, SIDE + GAP :], images[1])
    grey = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 1), np.uint8)
    np.testing.assert_array_equal(pixels(str(strip(grey, [0], "one"))), grey[0].repeat(3, axis=2))
    large = np.zeros((1, 300, 300, 3), np.uint8)
    assert pixels(str(strip(large, [0], "large"))).shape == (MOST_PIXELS, MOST_PIXELS, 3)


def pixels(element: str) -> np.ndarray:
    content = base64.b64decode(re.findall('base64,([^"]+)', element)[0])
    return np.asarray(Image.open(io.BytesIO(content)))


def test_examples_are_spread_and_classes_limited(tmp_path: Path) -> None:
    many = Made.of(train=600, test=200)
    prepared = many.prepared(tmp_path / "set").model_copy(update={"classes": tuple(map(str, range(100)))})
    text = dataset_page(prepared, inspect(prepared))
    assert text.count("<figcaption>") == MOST_CLASSES
    assert "And 40 classes more." in text
    assert pixels(text).shape[1] == EXAMPLES * (SIDE + GAP) - GAP


def test_nothing_is_cut_off_on_a_screen_a_telephone_or_paper(page: Path, browser_page: Page) -> None:
    browser_page.goto(page.as_uri())
    for media, width in (("screen", 400), ("screen", 1200), ("print", 688)):
        browser_page.emulate_media(media=media)  # type: ignore[arg-type]
        browser_page.set_viewport_size({"width": width, "height": 900})
        assert browser_page.evaluate(CUT_OFF) == [], (media, width)
        assert browser_page.evaluate("document.documentElement.scrollWidth") == width

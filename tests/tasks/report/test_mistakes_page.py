"""The page of mistakes: that it says what there is in words and pictures, needs nothing else, and cuts nothing off."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from study.agreement import Answers
from tasks.report.mistakes import Judged, Mistakes, issues_csv, mistakes_of
from tasks.report.mistakes_page import MOST_CLASSES, WORST, mistakes_page
from tests.support.cut_off import CUT_OFF

SIDE = 20
LONG = "a_name_without_any_place_to_break_it_" * 3


def made(images: int = 400, models: int = 3, classes: int = 4, wrong: float = 0.1, **changes: Any) -> Mistakes:
    """What models say of images: some are wrong on every model, others now and then."""
    random = np.random.default_rng(0)
    labels = np.arange(images) % classes
    hard = random.random(images) < wrong
    lied = np.flatnonzero(hard)[::3]
    answers = []
    for number in range(models):
        seen = np.flatnonzero(random.random(images) < (0.8 if models > 1 else 1))
        said = np.full((images, classes), 0.02 / max(1, classes - 1))
        said[np.arange(images), labels] = 0.98
        said[lied] = np.roll(said[lied], 1, axis=1)
        unsure = np.setdiff1d(np.flatnonzero(hard), lied)
        said[unsure] = random.dirichlet(np.ones(classes), len(unsure))
        answers.append(Answers.of(seen, labels[seen], said[seen].argmax(axis=1), said[seen]))
        assert number >= 0
    pixels = random.integers(0, 256, (images, SIDE, SIDE, 1), np.uint8)
    names = [f"set/{number}.png" for number in range(images)]
    names[lied[0] if len(lied) else 0] = f"<b>{LONG}</b>caf\udce9.png"
    given: dict[str, Any] = {
        "title": "Mistakes of a run",
        "about": ("Who judges.",),
        "classes": tuple(f"class {number}" for number in range(classes)),
        "names": names,
        "split": lambda example: "test" if example % 2 else "validation",
        "pixels": lambda example: pixels[example],
    }
    return mistakes_of(Judged(**{**given, **changes}), answers)


def words(page: str) -> str:
    """What of a page can be read."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", "", page, flags=re.DOTALL)))


@pytest.fixture(scope="module")
def several() -> Mistakes:
    return made()


@pytest.fixture(scope="module")
def text(several: Mistakes) -> str:
    return mistakes_page(several)


def test_it_needs_nothing_from_elsewhere_and_escapes_what_it_was_given(text: str) -> None:
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert "<script" not in text
    assert "<b>a_name" not in text
    assert f"&lt;b&gt;{LONG}&lt;/b&gt;caf\\udce9.png" in text


def test_the_worst_are_shown_with_what_the_models_say_of_them(text: str, several: Mistakes) -> None:
    cards = re.findall(r"<figure>.*?</figure>", text[text.index('class="cards"') : text.index('class="pairs"')])
    assert len(cards) == WORST
    assert all('<img class="strip"' in card and ' alt="' in card for card in cards)
    said = words(cards[0])
    assert re.search(r"class (\d)taken for class (\d)", said.replace(" taken", "taken")), said
    assert "wrong on all 3 and confident: probably a wrong label" in words(" ".join(cards))
    assert f"The worst 24 of {int((several.judged.wrong > 0).sum())}" in words(text)
    assert "The 3 models are wrong in " in words(text)
    assert "wrong on some seeds: they are hard" in words(text)


def test_an_image_that_the_models_together_have_right_is_taken_for_what_comes_next() -> None:
    images = Judged("Mistakes", (), ("cat", "dog", "yak"))
    said = [np.array([[0.5, 0.1, 0.4]]), np.array([[0.45, 0.05, 0.5]])]
    answers = [Answers.of(np.zeros(1), np.zeros(1), each.argmax(axis=1), each) for each in said]
    page = words(mistakes_page(mistakes_of(images, answers)))
    assert re.search(r"cat taken for yak ?yak 0\.45, cat 0\.4[78] ?wrong on 1 of 2: hard", page)


def test_every_picture_can_be_heard_and_what_scrolls_be_reached_by_keyboard(text: str) -> None:
    assert all(alt for alt in re.findall(r'<img[^>]* alt="([^"]*)"', text))
    assert text.count("<img ") == len(re.findall(r'<img[^>]* alt="[^"]+"', text))
    assert (
        text.count('class="wide"')
        == text.count('class="wide" role="region" aria-label="')
        == text.count('tabindex="0"')
    )
    assert 'role="img" aria-label="Reliability curve: expected calibration error' in text


def test_a_single_run_says_nothing_of_seeds() -> None:
    said = words(mistakes_page(made(models=1)))
    assert re.search(r"Wrong on \d+ of 400 images \(\d+\.\d %\)\.", said)
    assert "confident: perhaps a wrong label" in said
    assert "seed" not in said
    assert "models" not in said


def test_models_that_know_little_are_said_to_say_little_about_labels(text: str) -> None:
    assert "say little about labels" not in words(text)
    assert re.search(r"\d+ labels of \d+ images are doubted: look at them\.", words(text))
    assert "probably wrong" not in words(text)
    assert re.search(r"\d+ labels of \d+ images are doubted, but models that", words(mistakes_page(made(wrong=0.6))))


def test_without_a_mistake_it_says_so() -> None:
    said = words(mistakes_page(made(wrong=0, models=1)))
    assert "No mistakes: 400 images, and each is classified rightly." in said
    assert "No label of 400 images is doubted." in said
    assert "What is taken for what" not in said
    assert "The worst" not in said


@pytest.mark.parametrize("wrong", [0, 0.1])
def test_no_line_ends_between_a_number_and_its_percent_sign(wrong: float) -> None:
    page = re.sub(r"<style>.*?</style>", "", mistakes_page(made(wrong=wrong, models=1)), flags=re.DOTALL)
    assert page.count("\N{NO-BREAK SPACE}%") > 5
    assert not re.findall(r"\d\s%", page.replace("\N{NO-BREAK SPACE}%", ""))


def test_without_pictures_and_names_it_says_why_and_numbers_the_images() -> None:
    page = mistakes_page(made(pixels=None, names=None, split=None, no_pictures="The prepared images are gone."))
    assert "<img" not in page
    assert "The prepared images are gone." in page
    assert re.search(r"image \d+", words(page))


def test_a_class_without_images_is_said_to_have_none() -> None:
    mistakes = made(classes=2, models=1)
    three = Judged("Mistakes", (), ("cat", "dog", "yak"))
    said = Answers.of(np.arange(4), np.array([0, 1, 0, 1]), np.array([0, 1, 0, 0]), np.eye(3)[[0, 1, 0, 0]])
    page = words(mistakes_page(mistakes_of(three, [said])))
    # The class that is known worst comes first, and last that of which there is none.
    assert re.search(r"dog ?2 ?50\.0 %.*cat ?2 ?100 %.*yak ?0 ?no image of it was judged", page)
    assert "no image of it" not in words(mistakes_page(mistakes))


def test_one_class_alone_is_judged_without_its_labels() -> None:
    one = Judged("Mistakes", (), ("cat", "dog"))
    said = Answers.of(np.arange(3), np.zeros(3), np.array([0, 0, 1]), np.eye(2)[[0, 0, 1]])
    page = words(mistakes_page(mistakes_of(one, [said])))
    assert page.count("Labels were not judged: that takes images of at least two classes.") == 2


def test_of_many_classes_those_that_are_known_worst_are_shown_and_the_others_folded_away() -> None:
    page = mistakes_page(made(images=3000, models=1, classes=300))
    shown, folded = page.split("classes that are known better</summary>")
    assert shown.count('<th scope="row">class ') == MOST_CLASSES
    assert folded.count('<th scope="row">class ') == 300 - MOST_CLASSES


def test_a_table_beside_the_page_is_named_if_there_is_one(text: str) -> None:
    assert ".csv" not in words(text)
    page = words(mistakes_page(made(images=3000, wrong=0.3, issues_file="label_issues.csv")))
    assert "All are in label_issues.csv." in page
    assert re.search(r"And \d+ more, which label_issues\.csv has\.", page)


def test_the_table_of_labels_has_each_that_is_doubted(several: Mistakes, text: str) -> None:
    rows = list(csv.DictReader(io.StringIO(issues_csv(several))))
    assert len(rows) == len(several.issues) > 5
    first = several.issues[0]
    assert rows[0]["given"] == f"class {several.judged.label[first]}"
    assert rows[0]["suggested"] == f"class {several.judged.predicted[first]}"
    assert {row["judging"] for row in rows} <= {"1", "2", "3"}
    assert all(0 <= float(row["probability_of_given"]) < float(row["probability"]) <= 1 for row in rows)
    assert {row["split"] for row in rows} <= {"test", "validation"}
    assert all(row["image"] in unescape(text) for row in rows)
    numbered = list(csv.DictReader(io.StringIO(issues_csv(made(names=None, split=None)))))
    assert [row["image"] for row in numbered] == [str(several.judged.example[row]) for row in several.issues]
    assert "split" not in numbered[0]


@pytest.fixture(scope="module")
def page_file(text: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "mistakes.html"
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_is_cut_off_on_a_screen_a_telephone_or_paper(page_file: Path, browser_page: Page) -> None:
    browser_page.goto(page_file.as_uri())
    for summary in browser_page.locator("summary").all():
        summary.press("Enter")
    assert browser_page.locator("details:not([open])").count() == 0
    for media, width in (("screen", 400), ("screen", 1200), ("print", 688)):
        browser_page.emulate_media(media=media)  # type: ignore[arg-type]
        browser_page.set_viewport_size({"width": width, "height": 900})
        assert browser_page.evaluate(CUT_OFF) == [], (media, width)
        assert browser_page.evaluate("document.documentElement.scrollWidth") == width


def test_it_can_be_read_in_light_and_dark(page_file: Path, browser_page: Page) -> None:
    browser_page.goto(page_file.as_uri())
    browser_page.emulate_media(media="screen")
    for scheme in ("light", "dark"):
        browser_page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert browser_page.evaluate(CONTRASTS) == [], scheme
    browser_page.emulate_media(color_scheme="light")


# Text whose contrast with what lies behind it is below 4.5 to 1, as WCAG 2.1 has it for level AA.
CONTRASTS = """
() => {
    const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = colour => {
        const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        const [r, g, b] = numbers(colour).map(c => linear(c / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = one => {
        for (; one; one = one.parentElement) {
            const colour = getComputedStyle(one).backgroundColor;
            if (numbers(colour)[3] !== 0) return colour;
        }
        return "rgb(255, 255, 255)";
    };
    const hasText = one => [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    return [...document.querySelectorAll("body *")].filter(hasText).filter(one => {
        const style = getComputedStyle(one), ink = one.closest("svg") ? style.fill : style.color;
        const [less, more] = [light(ink), light(behind(one))].sort((a, b) => a - b);
        return (more + 0.05) / (less + 0.05) < 4.5;
    }).map(one => one.outerHTML.slice(0, 120));
}
"""

"""The page of a comparison, and the files beside it."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import pytest
from PIL import Image
from playwright.sync_api import Page

from study.comparison import Comparison, Trial
from tasks.report import page as page_module
from tasks.report.drawing import plain_text
from tasks.report.facts import ReportFacts
from tasks.report.figure_widths import BROAD, NARROW
from tasks.report.page import FIGURES, FILES, write_report
from tests.support.cut_off import CUT_OFF
from tests.support.made_up_studies import (
    compared,
    diverging,
    eight,
    one,
    study,
    trial,
    tuned_only,
    two,
    undecided,
    variants,
)

VOID = {"meta", "link", "br", "hr", "img", "input", "path", "use", "rect", "circle"}
TRIALS = [
    *(trial("adam", rate, seed, 0.5 + rate, 0.92, 0.95 + seed / 100) for rate in (0.1, 0.2) for seed in (0, 1, 2)),
    *(trial("sgd", 0.3, seed, 0.3, 0.4, 0.5 + seed / 100) for seed in (0, 1, 2)),
    trial("sgd", 0.6, 0, 0.3, outcome="diverged", reason="the loss is nan at step 3 of epoch 2"),
    *(trial("sgd", 0.6, seed, outcome="failed", reason="<script>alert('no')</script>") for seed in (1, 2)),
    *(trial("adam", 0.1, 1000 + n, 0.6, 0.92, 0.95) for n in range(3)),
    *(trial("sgd", 0.3, 1000 + n, 0.3, 0.4, 0.5 + n / 100) for n in range(3)),
]
FACTS = ReportFacts(
    study="the-study",
    name="compare <b>adam</b> & sgd",
    dataset="digits",
    dataset_examples={"train": 1294, "validation": 143, "test": 360},
    epochs=3,
    seeds=3,
    looks=(3, 5),
    trials_ended=18,
    grown="It was begun with 2 seeds, and has grown.",
    made_with={"image_size": "32"},
    made_at="2025-03-14 15:09 UTC",
    command="python -m flows compare --optimizers adam,sgd",
    commit="51edacb",
    dataset_digest="9f86d081884c7d65",
    machine="2 cores of a machine",
    go_on="python -m flows compare --resume the-study --looks 5,10,20",
    test={"test/accuracy": 0.9375, "seeds": 3},
    mlflow_url="http://127.0.0.1:5000/#/study",
    flow_run_url="http://127.0.0.1:4200/run",
    run_urls={"adam-0.1-0": "http://127.0.0.1:5000/#/one"},
    versions={"keras": "3.15.1"},
)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compared(TRIALS, looks=(3,))


@pytest.fixture(scope="module")
def written(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("report")
    paths = write_report(comparison, FACTS, directory)
    assert sorted(paths) == sorted(directory.iterdir())
    return directory


@pytest.fixture(scope="module")
def page(written: Path) -> str:
    return (written / "report.html").read_text()


@pytest.fixture
def _without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing, which takes a second: for what is not about the pictures."""
    monkeypatch.setattr(page_module, "_figures", lambda *_: dict.fromkeys(FIGURES, ""))


class Parsed(HTMLParser):
    """Which elements are open, which addresses are named, and what is to be read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.loaded += [value for name in ("src", "data", "srcset") if (value := given.get(name))]
        if tag == "a":
            self.links.append(given.get("href") or "")
        elif "href" in given:
            self.loaded.append(given["href"] or "")
        self.ids += [value for name in ("id",) if (value := given.get(name))]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        self.text += " " if tag == "dt" else ""  # it stands apart on the page
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_needs_nothing_from_elsewhere(page: str) -> None:
    parsed = Parsed(page)
    assert parsed.open == []
    assert parsed.loaded == []
    assert "script" not in re.findall(r"<([a-z]+)", page)
    assert not re.search(r"@import|url\((?!#)", page)
    assert set(parsed.links) == {FACTS.mlflow_url, FACTS.flow_run_url, *FACTS.run_urls.values()}
    assert len(parsed.ids) == len(set(parsed.ids))
    # MLflow shows it in a frame in which links do nothing: what is not to be clicked can be copied.
    assert {FACTS.mlflow_url, FACTS.flow_run_url, "adam-0.1-0"} <= set(re.findall("[^ \n]+", parsed.text))
    assert page.count("<a ") == page.count('target="_blank"')
    named = set(re.findall(r"(?:url\(#|xlink:href=\"#)([^)\"]+)", page))
    assert named
    assert named <= set(parsed.ids)


def test_markup_in_names_is_text(page: str) -> None:
    assert "compare <b>adam" not in page
    text = Parsed(page).text
    assert "compare <b>adam</b> & sgd" in text
    assert "<script>alert('no')</script>" in text


def read(directory: Path) -> str:
    """What is to be read on the page, with single spaces."""
    return " ".join(Parsed((directory / "report.html").read_text()).text.split())


def test_the_page_says_all_of_it(written: Path, comparison: Comparison) -> None:
    text = read(written)
    for sentence in (*comparison.verdict, *comparison.doubt, *comparison.cautions):
        assert sentence in text
    assert "accuracy 0.9375, the median of 3 seeds" in text
    assert "18 trials, 3 epochs each; tuned on 3 seeds, confirmed with looks after 3 and 5 fresh seeds." in text
    assert FACTS.grown in text
    assert "1,294 train, 143 validation, 360 test examples" in text
    assert "failed: " in text
    assert "diverged: the loss is nan at step 3 of epoch 2" in text


def test_it_says_when_with_what_and_where_it_was_made(written: Path) -> None:
    text = read(written)
    assert f"Begun {FACTS.made_at}." in text
    made = text[text.index("How it was made") :]
    for name in ("made_at", "command", "commit", "dataset_digest", "machine", "study"):
        assert getattr(FACTS, name) in made
    assert "keras 3.15.1" in made


@pytest.mark.usefixtures("_without_pictures")
def test_what_is_not_known_of_how_it_was_made_is_not_spoken_of(comparison: Comparison, tmp_path: Path) -> None:
    unknown = dict.fromkeys(("made_at", "command", "commit", "dataset_digest", "machine", "go_on", "grown"), "")
    write_report(comparison, FACTS.model_copy(update=unknown), tmp_path)
    text = read(tmp_path)
    assert "Begun" not in text
    assert "How to go on" not in text
    made = text[text.index("How it was made") : text.index("A trial's score")]
    assert " ".join(made.split()) == "How it was made study the-study image_size 32 versions keras 3.15.1"


def test_it_ends_with_the_command_that_goes_on(written: Path) -> None:
    assert read(written).endswith(FACTS.go_on)


def test_it_begins_with_the_answer_then_its_picture_then_how_far_it_is_known(written: Path) -> None:
    text = read(written)
    headings = (
        *("Before you rely on it", "Each rival against adam", "How far it is known", "Confirm curves"),
        *("Tuning: sensitivity", "Time to the target", "Contenders Each", "All 18 trials", "How it was made"),
    )
    places = [text.index(heading) for heading in headings]
    assert places == sorted(places)


@pytest.mark.usefixtures("_without_pictures")
def test_without_cautions_there_is_no_box(comparison: Comparison, tmp_path: Path) -> None:
    write_report(comparison.model_copy(update={"cautions": ()}), FACTS, tmp_path)
    assert "Before you rely on it" not in read(tmp_path)


def test_what_was_tuned_only_is_shown_as_that(tmp_path: Path) -> None:
    (tmp_path / "differences.png").write_bytes(b"of an earlier page")
    paths = write_report(tuned_only(), FACTS.model_copy(update={"looks": ()}), tmp_path)
    text = read(tmp_path)
    assert "not confirmed on fresh ones" in text
    assert "on the seeds that it was tuned with: nothing is confirmed" in text
    assert not any(words in text for words in ("Confirm curves", "Each rival against", "confirm seeds", "added"))
    assert tmp_path / "differences.png" not in paths
    assert not (tmp_path / "differences.png").exists()


@pytest.mark.usefixtures("_without_pictures")
def test_it_says_whose_validation_images_the_confirm_seeds_had(comparison: Comparison, tmp_path: Path) -> None:
    assert comparison.redraws
    for redraws, said in ((True, "each of which drew validation images of its own"), (False, "the same for all")):
        changed = comparison.model_copy(update={"redraws": redraws})
        write_report(changed, FACTS, tmp_path)
        assert said in read(tmp_path)
        assert ("drew validation images" in read(tmp_path)) is redraws


@pytest.mark.usefixtures("_without_pictures")
def test_what_is_missing_is_counted(comparison: Comparison, tmp_path: Path) -> None:
    write_report(comparison, FACTS.model_copy(update={"trials_missing": 2}), tmp_path)
    assert "18 trials so far, 2 missing, 3 epochs each" in read(tmp_path)


def test_a_page_about_another_metric_names_that_and_nothing_else(tmp_path: Path) -> None:
    tested = {"test/macro_f1": 0.5, "seeds": 3}
    write_report(
        study({"adam": 0.97, "sgd": 0.95}, metric="macro_f1"), FACTS.model_copy(update={"test": tested}), tmp_path
    )
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if "accuracy" in line.lower()] == []
    for words in (
        *("final macro F1", "best macro F1", "difference in final validation macro F1", "points of macro F1"),
        *("% of validation macro F1", "its validation macro F1 after the last epoch", "macro F1 0.5000"),
        *(
            "<!-- validation macro F1 -->",
            "<!-- final validation macro F1 -->",
            "<!-- epochs until 97 % of validation macro F1",
        ),
    ):
        assert words in text.replace("&nbsp;", " "), words


def test_the_rows_read_back(written: Path, comparison: Comparison) -> None:
    with (written / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["run_id"], float(row["learning_rate"]), row["outcome"]) for row in rows] == [
        (trial.run_id, trial.learning_rate, trial.outcome) for trial in comparison.trials
    ]
    for row, each in zip(rows, comparison.trials, strict=True):
        assert [float(value) for value in row["validation_accuracy"].split()] == list(each.validation_accuracy)
        last = str(each.validation_accuracy[-1] if each.validation_accuracy else "")
        assert row["final_validation_accuracy"] == last
        assert row["round"] == ("confirm" if each.seed >= 1000 else "tune")
        assert row["split_seed"] == str(each.seed if each.seed >= 1000 else 0)
    with (written / "contenders.csv").open() as file:
        best, other = csv.DictReader(file)
    assert (float(best["median"]), float(best["epochs_to_target"])) == (0.95, 2)
    assert float(other["epochs_to_target"]) == float("inf")


def test_the_json_reads_back(written: Path, comparison: Comparison) -> None:
    read = json.loads((written / "comparison.json").read_text(), parse_constant=pytest.fail)
    assert [one["label"] for one in read["contenders"]] == ["adam", "sgd"]
    assert read["contenders"][1]["epochs_to_target"] is None
    for name in ("verdict", "doubt", "cautions"):
        assert read[name] == list(getattr(comparison, name))
    assert read["answer"] == json.loads(comparison.answer.model_dump_json())
    assert read["answer"]["rivals"][0]["judgement"] == "worse"
    assert {each["added"] for each in read["settings"]} == {False}
    assert read["facts"]["study"] == "the-study"
    assert len(read["trials"]) == len(TRIALS)
    assert "validated" not in read["trials"][0]


def test_the_pictures_are_pictures(written: Path) -> None:
    assert set(FILES) == {path.name for path in written.iterdir()}
    for name in FIGURES:
        with Image.open(written / f"{name}.png") as picture:
            assert picture.format == "PNG"
            assert picture.width > 1000
            assert len(picture.convert("L").getcolors() or []) > 10


def test_the_same_comparison_gives_the_same_files(written: Path, comparison: Comparison, tmp_path: Path) -> None:
    settings = dict(mpl.rcParams)
    write_report(comparison, FACTS, tmp_path)
    assert dict(mpl.rcParams) == settings
    for path in written.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize(
    "trials",
    [
        [],
        [trial("adam", 0.1, 0, 0.95)],
        [trial("adam", 0.1, 0, 1.0), trial("sgd", 0.1, 0, 1.0)],
        [trial("adam", 0.1, seed, 0.3, outcome="diverged") for seed in (0, 1)],
        [trial("adam", 0.1, 0, outcome="diverged")],
        [trial("adam", 0.1, 0, outcome="failed")],
        [trial("adam", 0.1, 0, 0.0), trial("adam", 0.1, 0, 0.5, loss="l1"), trial("adam", 0.2, 0, 0.5, loss="l1")],
    ],
    ids=["none", "one", "perfect", "all diverged", "diverged at once", "all failed", "two losses"],
)
def test_every_comparison_has_a_page(trials: list[Trial], tmp_path: Path) -> None:
    comparison = compared(trials)
    write_report(comparison, FACTS.model_copy(update={"test": None}), tmp_path)
    parsed = Parsed((tmp_path / "report.html").read_text())
    assert parsed.open == []
    assert "could not be drawn" not in parsed.text
    assert comparison.verdict[0] in " ".join(parsed.text.split())


@pytest.mark.usefixtures("_without_pictures")
def test_what_has_no_result_is_said_before_all_else(comparison: Comparison, tmp_path: Path) -> None:
    facts = FACTS.model_copy(update={"incomplete": "So far completed 11: 1 trial has no result."})
    write_report(comparison, facts, tmp_path)
    text = read(tmp_path)
    assert text.index(facts.incomplete) < text.index(comparison.verdict[0])


@pytest.mark.parametrize("width", [BROAD, NARROW], ids=["broad", "narrow"])
@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("made", [eight, variants])
def test_no_picture_is_cut_off(made: object, name: str, width: float) -> None:
    assert callable(made)
    with plain_text():
        figure = FIGURES[name](made(), width)
        figure.draw_without_rendering()
        drawn, paper = figure.get_tightbbox(), figure.bbox_inches
    assert drawn.width > 0.6 * width
    for edge, beyond in ((paper.x0 - drawn.x0, "left"), (drawn.x1 - paper.x1, "right")):
        assert edge < 0.02, beyond
    assert drawn.y0 > -0.02
    assert drawn.y1 < paper.y1 + 0.02


@pytest.mark.parametrize("made", [two, eight, variants, one, tuned_only, diverging, undecided])
def test_nothing_is_cut_off_on_a_screen_a_telephone_or_paper(made: object, browser_page: Page, tmp_path: Path) -> None:
    assert callable(made)
    write_report(made(), FACTS, tmp_path)
    browser_page.goto((tmp_path / "report.html").as_uri())
    browser_page.evaluate("document.querySelector('details').open = true")
    # The paper is A4 less its margins. Text in pictures keeps its size: what is shown is drawn for the width.
    for media, width, shown in (("screen", 400, "narrow"), ("screen", 1200, "broad"), ("print", 688, "broad")):
        browser_page.emulate_media(media=media)
        browser_page.set_viewport_size({"width": width, "height": 900})
        assert browser_page.evaluate(CUT_OFF) == [], (media, width)
        assert browser_page.evaluate("document.documentElement.scrollWidth") == width
        for name in ("broad", "narrow"):
            assert browser_page.locator(f".{name} svg").first.is_visible() == (name == shown)
        scrolling = "[...document.querySelectorAll('.wide')].some(one => one.scrollWidth > one.clientWidth)"
        assert browser_page.evaluate(scrolling) == (width == 400)

"""The page and the tables of a comparison."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from PIL import Image

from study.comparison import Comparison, Trial
from study.statistics import compare_trials
from tasks.report.page import ReportFacts, summary_markdown, table_rows, write_report

TARGET = 0.9
VOID = {"meta", "link", "br", "hr", "img", "input", "path", "use", "rect", "circle"}


def trial(optimizer: str, rate: float, seed: int, *accuracies: float, **changes: Any) -> Trial:
    return Trial(
        **{
            "run_id": f"{optimizer}-{rate}-{seed}",
            "optimizer": optimizer,
            "loss": "mse",
            "batch_size": 32,
            "learning_rate": rate,
            "seed": seed,
            "outcome": "completed",
            "steps_per_epoch": 7,
            "train_loss": tuple(1 - accuracy for accuracy in accuracies),
            "validation_accuracy": accuracies,
            "epoch_seconds": tuple(2.0 for _ in accuracies),
            **changes,
        }
    )


TRIALS = [
    *(trial("adam", rate, seed, 0.5 + rate, 0.92, 0.95 + seed / 100) for rate in (0.1, 0.2) for seed in (0, 1, 2)),
    *(trial("sgd", 0.3, seed, 0.3, 0.4, 0.5 + seed / 100) for seed in (0, 1, 2)),
    trial("sgd", 0.6, 0, 0.3, outcome="diverged", reason="the loss is nan at step 3 of epoch 2"),
    trial("sgd", 0.6, 1, outcome="failed", reason="<script>alert('no')</script>"),
]
FACTS = ReportFacts(
    study="the-study",
    name="compare <b>adam</b> & sgd",
    dataset="digits",
    dataset_examples={"train": 1294, "validation": 143, "test": 360},
    epochs=3,
    seeds=3,
    trials_planned=12,
    made_with={"image_size": "32"},
    test={"test/accuracy": 0.9375, "seeds": 3},
    mlflow_url="http://127.0.0.1:5000/#/study",
    flow_run_url="http://127.0.0.1:4200/run",
    run_urls={"adam-0.1-0": "http://127.0.0.1:5000/#/one"},
    versions={"keras": "3.15.1"},
)


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare_trials(TRIALS, TARGET)


@pytest.fixture(scope="module")
def written(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("report")
    paths = write_report(comparison, FACTS, directory)
    assert sorted(paths) == sorted(directory.iterdir())
    return directory


@pytest.fixture(scope="module")
def page(written: Path) -> str:
    return (written / "report.html").read_text()


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


def test_the_page_says_all_of_it(page: str, comparison: Comparison) -> None:
    text = " ".join(Parsed(page).text.split())
    for sentence in (*comparison.verdict, *comparison.cautions):
        assert sentence in text
    assert "accuracy 0.9375, the median of 3 seeds" in text
    assert "11 of 12 trials" in text
    assert "1,294 train, 143 validation, 360 test examples" in text
    assert "failed: " in text
    assert "diverged: the loss is nan at step 3 of epoch 2" in text


def test_without_a_test_there_is_no_word_of_it(comparison: Comparison) -> None:
    assert "test split" in summary_markdown(comparison, FACTS)
    assert "test split" not in summary_markdown(comparison, FACTS.model_copy(update={"test": None}))


def test_the_table_ranks_the_contenders(comparison: Comparison) -> None:
    first, second = table_rows(comparison)
    assert (first["rank"], first["contender"], first["median"]) == (1, "adam", "0.9600")
    assert (first["epochs to target"], first["steps"], first["seconds"]) == ("2 [2, 2]", "14", "4.0")
    assert first["reached"] == "3 of 3"
    assert (second["contender"], second["diverged"], second["failed"]) == ("sgd", 1, 1)
    assert (second["epochs to target"], second["steps"], second["seconds"]) == ("not reached", "", "")


def test_the_markdown_is_a_table_of_the_same(comparison: Comparison) -> None:
    lines = summary_markdown(comparison, FACTS).splitlines()
    assert f"- {comparison.verdict[0]}" in lines
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert table[2] == [str(value) for value in table_rows(comparison)[0].values()]
    assert {len(row) for row in table} == {len(table_rows(comparison)[0])}


def test_the_rows_read_back(written: Path, comparison: Comparison) -> None:
    with (written / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["run_id"], float(row["learning_rate"]), row["outcome"]) for row in rows] == [
        (trial.run_id, trial.learning_rate, trial.outcome) for trial in comparison.trials
    ]
    for row, one in zip(rows, comparison.trials, strict=True):
        assert [float(value) for value in row["validation_accuracy"].split()] == list(one.validation_accuracy)
        assert row["final_validation_accuracy"] == str(one.validation_accuracy[-1] if one.validation_accuracy else "")
    with (written / "contenders.csv").open() as file:
        best, other = csv.DictReader(file)
    assert (float(best["median"]), float(best["epochs_to_target"])) == (0.96, 2)
    assert float(other["epochs_to_target"]) == float("inf")


def test_the_json_reads_back(written: Path, comparison: Comparison) -> None:
    read = json.loads((written / "comparison.json").read_text(), parse_constant=pytest.fail)
    assert [one["label"] for one in read["contenders"]] == ["adam", "sgd"]
    assert read["contenders"][1]["epochs_to_target"] is None
    assert read["verdict"] == list(comparison.verdict)
    assert read["facts"]["study"] == "the-study"
    assert len(read["trials"]) == len(TRIALS)


def test_the_pictures_are_pictures(written: Path) -> None:
    for name in ("learning_curves", "learning_rates", "time_to_target"):
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
    comparison = compare_trials(trials, TARGET)
    write_report(comparison, FACTS.model_copy(update={"test": None}), tmp_path)
    parsed = Parsed((tmp_path / "report.html").read_text())
    assert parsed.open == []
    assert comparison.verdict[0] in " ".join(parsed.text.split())


def test_what_has_no_result_is_said_before_all_else(comparison: Comparison, tmp_path: Path) -> None:
    facts = FACTS.model_copy(update={"incomplete": "Planned 12, completed 11: 1 trial has no result."})
    write_report(comparison, facts, tmp_path)
    text = Parsed((tmp_path / "report.html").read_text()).text
    assert text.index(facts.incomplete) < text.index(comparison.verdict[0])
    assert summary_markdown(comparison, facts).startswith(f"**{facts.incomplete}**\n")
    assert FACTS.incomplete == ""

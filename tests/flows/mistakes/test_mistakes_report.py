"""The mistakes of a run and of a comparison, from what their runs have kept."""

from __future__ import annotations

import csv
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.comparison.kept_predictions import validation_outcome
from flows.comparison.stored_study import open_study, stored_plan
from flows.comparison.stored_trials import next_trials
from flows.comparison.trial import tags_of
from flows.mistakes.mistakes_report import MistakesReport, report_mistakes
from flows.mistakes.subject import _covering
from flows.parameters.compare import CompareParameters
from flows.parameters.train import TrainParameters
from tasks.data.prepared import PreparedDataset, Split
from tasks.data.resplit import resplit
from tasks.foundation.errors import InputError
from tasks.report.class_table import CLASS_FILES, ClassRow, class_csv
from tasks.tracking import mlflow_client, model_names, record
from tasks.tracking.claim import claim
from tasks.tracking.kept_predictions import PREDICTIONS_FILE, TEST_PREDICTIONS_FILE, predictions_of
from tasks.tracking.run import tracked_run
from tests.support import made_up_studies
from tests.support.store import store
from tests.support.studies import begun

SEEDS = 3
STUDY = CompareParameters(
    dataset="digits",
    image_size=16,
    limit_examples=300,
    validation_fraction=0.2,
    optimizers=("momentum",),
    learning_rates=(0.1,),
    seeds=1,
    looks=(SEEDS,),
    epochs=1,
)
ALWAYS_WRONG = 5  # of the test images: this many first ones are wrong on every model


def said(prepared: PreparedDataset, split: Split, seed: int) -> bytes:
    """What a model of a seed says of a split: sure of all, and wrong on one image in ten of its own."""
    example = prepared.indices(split)
    labels = np.load(prepared.directory / "labels.npy")[example].astype(np.int64)
    wrong = np.random.default_rng([seed, len(split)]).random(len(example)) < 0.1
    wrong[:ALWAYS_WRONG] |= split == "test"
    predicted = np.where(wrong, (labels + 1) % 10, labels)
    probabilities = np.full((len(example), 10), 0.005)
    probabilities[np.arange(len(example)), predicted] = 0.955
    return predictions_of(example, labels, predicted, probabilities, prepared.names(split)).packed()


def trained(p: TrainParameters, prepared: PreparedDataset, tags: dict[str, str], *, keeps: bool, tests: bool) -> str:
    """Record a training that came to something."""
    with claim() as claimed:
        claimed.tags = tags
        experiment = mlflow_client.open_experiment("tests")
        with tracked_run(claimed, experiment, p.display_name(), p.recorded(), {"steps_per_epoch": "5"}) as run:
            record.log_dataset(run.run_id, prepared)
            metrics = {"train/loss": 0.1, "validation/accuracy": 0.9, "epoch_seconds": 2.0}
            record.log_metrics(run.run_id, metrics, step=1)
            record.set_tags(run.run_id, {"outcome": "completed"})
            if keeps:
                validation = said(resplit(prepared, p.split_seed), "validation", p.seed)
                record.log_content(run.run_id, validation, PREDICTIONS_FILE)
            if tests:
                record.log_content(run.run_id, said(prepared, "test", p.seed), TEST_PREDICTIONS_FILE)
            return run.run_id


def compared(prepared: PreparedDataset, p: CompareParameters = STUDY, lacking: int = 0, **how: Any) -> str:
    """Record a comparison with all of its trials, so many of which keep nothing."""
    study = begun(p, prepared)
    plan, number = stored_plan(open_study(study)), 0
    while asked := next_trials(p, study, plan):
        for round_, parameters in asked:
            confirms = round_ == "confirm"
            number += confirms
            keeps = confirms and number > lacking
            kept = {"keeps": keeps, "tests": keeps, **how}
            trained(parameters, prepared, tags_of(parameters, study, round_), **kept)
    return study


def words(found: MistakesReport) -> str:
    """What a page says."""
    page = re.sub(r"<style>.*?</style>|<[^>]+>", "", found.page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return unescape(re.sub(r"\s+", " ", page))


@pytest.fixture
def run_parameters() -> TrainParameters:
    return TrainParameters(dataset="digits", image_size=16, limit_examples=300, validation_fraction=0.2)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    validation_outcome.cache_clear()


@pytest.mark.usefixtures("workplace")
def test_a_run_is_judged_by_what_it_says_of_validation_and_test_images(
    own_prepared: PreparedDataset,
    run_parameters: TrainParameters,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = trained(run_parameters, own_prepared, {}, keeps=True, tests=True)
    found = report_mistakes(run)
    assert found.page == Path("reports", run, "mistakes.html").absolute()
    assert re.match(r"Wrong on \d+ of 110 images \(", found.headline)
    assert "is deleted" not in caplog.text
    store().delete_run(run)
    assert report_mistakes(run) == found
    assert f"Run {run} is deleted in MLflow" in caplog.text
    page, text = found.page.read_text(encoding="utf-8"), words(found)
    assert "Judged: 110 images of 300 (36.7 %), 60 test images among them. It has trained on the others" in text
    assert page.count('<img class="strip"') > 10
    assert "no pictures" not in text
    monkeypatch.setattr(model_names, "registered_run", lambda name, which: {("digits", "champion"): run}[name, which])
    assert report_mistakes("digits@champion") == found
    wrong = int(re.findall(r"Wrong on (\d+)", text)[0])
    assert text.count("taken for") >= min(24, wrong) >= ALWAYS_WRONG


@pytest.mark.usefixtures("workplace")
def test_classes_are_called_as_the_run_called_them(
    own_prepared: PreparedDataset, run_parameters: TrainParameters
) -> None:
    run = trained(run_parameters, own_prepared, {}, keeps=True, tests=True)
    renamed = class_csv([ClassRow(name=f"digit {n}", precision=1, recall=1, f1=1, support=1) for n in range(10)])
    record.log_text(run, renamed, CLASS_FILES["test"])
    found = report_mistakes(run)
    assert "<img" in found.page.read_text(encoding="utf-8")
    assert re.search(r"digit \d taken for digit \d", words(found))


@pytest.mark.usefixtures("workplace")
def test_a_comparison_is_judged_by_the_confirm_seeds_of_what_it_recommends(own_prepared: PreparedDataset) -> None:
    study = compared(own_prepared)
    found = report_mistakes(study, Path("elsewhere"))
    assert found.page == Path("elsewhere", "mistakes.html").absolute()
    text, all_judged = words(found), set(own_prepared.indices("test").tolist())
    for seed in range(1000, 1000 + SEEDS):
        all_judged |= set(resplit(own_prepared, seed).indices("validation").tolist())
    assert f"Judged by models that have not trained on them: {len(all_judged)} images of 300" in text
    assert "60 test images among them" in text
    assert f"the models of {SEEDS} confirm seeds, each with validation images of its own" in text
    assert f"The {SEEDS} models are wrong in " in text
    assert text.count(f"wrong on all {SEEDS} and confident: probably a wrong label") >= ALWAYS_WRONG
    assert "About 97 % of the training images have a judge after this comparison:" in text
    with found.issues.open(encoding="utf-8") as file:
        doubted = {row["image"]: row for row in csv.DictReader(file)}
    for example in own_prepared.indices("test")[:ALWAYS_WRONG].tolist():
        name = own_prepared.names("test")[0] if own_prepared.names("test") else str(example)
        assert doubted[str(example)]["wrong"] == str(SEEDS), name


@pytest.mark.usefixtures("workplace")
def test_how_to_have_more_judged_is_a_comparison_that_can_be_made(own_prepared: PreparedDataset) -> None:
    said_by_page = words(report_mistakes(compared(own_prepared)))
    (options,) = re.findall(r"-m flows compare (--.*?--looks \S+)", said_by_page)
    typed = dict(re.findall(r"--([\w-]+) (\S+)", options))
    again = CompareParameters(**{name.replace("-", "_"): value for name, value in typed.items()})
    assert (again.optimizers, again.learning_rates, again.looks) == (("momentum",), (0.1,), (10,))
    assert again.validation_fraction == 0.3
    assert again.dataset == "digits"
    taken = made_up_studies.one().contenders[0].model_copy(update={"loss": "softmax_cross_entropy"})
    assert _covering(STUDY, taken, SEEDS) is not None
    assert _covering(again, taken, 10) is None  # which has been done then


@pytest.mark.usefixtures("workplace")
def test_seeds_that_share_the_validation_images_of_the_data_judge_no_others(own_prepared: PreparedDataset) -> None:
    given = own_prepared.model_copy(update={"given_splits": ("train", "validation", "test")})
    text = words(report_mistakes(compared(given)))
    assert f"the models of {SEEDS} confirm seeds, all with the validation images of the data." in text
    assert "110 images of 300 (36.7 %), 60 test images among them; 110 by several of the models." in text
    assert "How to have more images judged" not in text


@pytest.mark.usefixtures("workplace")
def test_trials_that_kept_nothing_are_left_out_and_named(own_prepared: PreparedDataset) -> None:
    text = words(report_mistakes(compared(own_prepared, lacking=1)))
    assert "1 run of these keeps no predictions, and is left out: " in text
    assert f"The {SEEDS - 1} models are wrong in " in text


@pytest.mark.usefixtures("workplace")
def test_what_kept_nothing_is_refused_with_what_to_do(
    own_prepared: PreparedDataset, run_parameters: TrainParameters
) -> None:
    run = trained(run_parameters, own_prepared, {}, keeps=False, tests=False)
    with pytest.raises(InputError, match=f"{run} kept no predictions, .* train it again with --keep-predictions true"):
        report_mistakes(run)
    record.set_tags(run, {"outcome": "diverged", "reason": "NaN in epoch 1"})
    with pytest.raises(
        InputError, match=rf"{run} kept no predictions, .*; it diverged \(NaN in epoch 1\); name another"
    ):
        report_mistakes(run)
    study = compared(own_prepared, STUDY.model_copy(update={"looks": None}))
    with pytest.raises(InputError, match=rf"the trials that confirm keep them: .*--resume {study} --looks 5,10,20"):
        report_mistakes(study)
    with pytest.raises(InputError, match="has no run 'nothing'"):
        report_mistakes("nothing")
    foreign = store().create_run(mlflow_client.open_experiment("tests")).info.run_id
    with pytest.raises(InputError, match=f"{foreign} kept no predictions, .*; it has not ended yet; wait until it has"):
        report_mistakes(foreign)
    empty = begun(STUDY, own_prepared)
    with pytest.raises(InputError, match=f"no trial of what the comparison '{empty}' would recommend"):
        report_mistakes(empty)


@pytest.mark.usefixtures("workplace")
def test_without_the_prepared_images_there_are_no_pictures_and_it_is_said_how_to_have_them(
    own_prepared: PreparedDataset, run_parameters: TrainParameters
) -> None:
    gone = own_prepared.model_copy(update={"directory": Path("gone").absolute()})
    with claim() as claimed:
        experiment = mlflow_client.open_experiment("tests")
        with tracked_run(claimed, experiment, "a run", run_parameters.recorded(), {}) as run:
            record.log_dataset(run.run_id, gone)
            record.log_content(run.run_id, said(own_prepared, "test", 0), TEST_PREDICTIONS_FILE)
    found = report_mistakes(run.run_id)
    assert "<img" not in found.page.read_text(encoding="utf-8")
    assert "The page has no pictures: the prepared images in '" in found.no_pictures
    options = "--image-size 16 --validation-fraction 0.2 --limit-examples 300"
    assert found.no_pictures.endswith(f"-m flows inspect digits {options}")
    assert re.search(r"\b3 taken for 4", words(found))  # classes by their numbers
    named = class_csv([ClassRow(name=f"digit {n}", precision=1, recall=1, f1=1, support=1) for n in range(10)])
    record.log_text(run.run_id, named, CLASS_FILES["test"])
    assert "digit 3 taken for digit 4" in words(report_mistakes(run.run_id))


@pytest.mark.usefixtures("workplace")
def test_outputs_of_a_regression_are_said_to_be_no_probabilities(
    own_prepared: PreparedDataset, run_parameters: TrainParameters
) -> None:
    run = trained(run_parameters, own_prepared, {}, keeps=True, tests=False)
    assert "no probabilities" not in words(report_mistakes(run))
    example = own_prepared.indices("test")
    labels = np.load(own_prepared.directory / "labels.npy")[example]
    outputs = np.eye(10)[labels] * 1.4 - 0.1
    record.log_content(run, predictions_of(example, labels, labels, outputs).packed(), TEST_PREDICTIONS_FILE)
    text = words(report_mistakes(run))
    assert "What was kept are no probabilities, but the outputs of a regression" in text

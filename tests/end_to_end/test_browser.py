"""What a person sees of a small comparison in a real browser, in both user interfaces.

The pictures that are taken on the way are those of the README: `make pictures` renews them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from flows.parameters.signature import choices_of, described, fields_of
from flows.parameters.train import TrainParameters
from tasks.tracking.store import MODEL_TRAINING_VIEW
from tests.support.prefect_api import ask
from tests.support.preloaded import Preloaded
from tests.support.running import Running, free_port, wait_for

pytestmark = [pytest.mark.end_to_end, pytest.mark.slow, pytest.mark.timeout(600)]

OPTIMIZERS = ("sgd", "momentum", "adam")
COMPARE = (
    "--dataset",
    "digits",
    "--optimizers",
    ",".join(OPTIMIZERS),
    "--grid-size",
    "1",
    "--target",
    "0.9",
    "--looks",
    "none",
)


@pytest.fixture(scope="module")
def compared(
    page: Page,  # noqa: ARG001 - without a browser nothing is compared
    environment: dict[str, str],
    prefect_api: str,
    preloaded: Preloaded,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Compare three optimizers with two seeds each, tracked by the MLflow server of ``python -m flows ui``."""
    directory = tmp_path_factory.mktemp("compared")
    port = free_port()
    served = {**environment, "PREFECT_API_URL": prefect_api}
    ui = Running(["-m", "flows", "ui", "--mlflow-port", str(port)], directory, served)
    try:
        ui.printed("Ctrl-C ends")
        mlflow = f"http://127.0.0.1:{port}"
        settings = {**preloaded.environment, "MLFLOW_TRACKING_URI": mlflow}
        command = ["-m", "flows", "compare", *COMPARE, "--seeds", "2", "--epochs", "4"]
        ended = Running(command, directory, settings, preloaded.start).ended()
        assert ended.status == 0, ended
        yield mlflow
    finally:
        ui.end()


@pytest.fixture
def runs_of(compared: str, runs: Callable[..., list[Any]]) -> dict[str, list[Any]]:
    found = runs(compared)
    return {flow: [run for run in found if run.data.tags["run.flow"] == flow] for flow in ("compare", "train")}


def test_the_trials_of_a_study_are_found_grouped_drawn_and_compared_in_mlflow(
    page: Page, compared: str, runs_of: dict[str, list[Any]], picture: Callable[[str], None]
) -> None:
    (study,), trials = runs_of["compare"], runs_of["train"]
    page.goto(f"{compared}/#/experiments/{study.info.experiment_id}/runs?{MODEL_TRAINING_VIEW}")
    page.get_by_role("button", name="Close", exact=True).click()  # of the assistant's panel
    search(page, f"attributes.run_name = '{study.info.run_name}'")
    expect(page.get_by_text("1 matching run")).to_be_visible()
    expect_whole(page.get_by_role("link", name=study.info.run_name, exact=True))

    search(page, f"tags.study = '{study.info.run_id}'")
    expect(page.get_by_text(f"{len(trials)} matching runs")).to_be_visible()  # the study is none of its trials
    page.locator("label:has(input[value=CHART])").click()
    page.get_by_role("button", name="Group by").click()
    page.get_by_role("menuitemcheckbox", name="setting", exact=True).last.click()
    page.keyboard.press("Escape")
    for trial in trials:
        expect_whole(page.get_by_role("link", name=trial.info.run_name, exact=True))
    settings = sorted({trial.data.tags["setting"] for trial in trials})
    assert [setting.partition(" ")[0] for setting in settings] == sorted(OPTIMIZERS)  # each at one rate
    charts = page.get_by_placeholder("Search metric charts")
    for metric in ("train/loss", "validation/accuracy"):
        charts.fill(f"^{metric}$")
        for setting in settings:
            expect(page.get_by_text(f"{setting} ({metric})")).to_be_attached()
            # The mean of the seeds, and a band around it.
            expect(page.locator(".scatterlayer .trace .js-line").nth(2 * len(OPTIMIZERS))).to_be_attached()
    charts.fill("(train|validation)/")
    expect(page.get_by_text(f"{settings[0]} (validation/accuracy)")).to_be_attached()
    picture("mlflow_runs")

    chosen = [trial for trial in trials if trial.data.params["seed"] == "0"][:2]
    for trial in chosen:
        page.locator(f'[role=row][row-id$="{trial.info.run_id}"] input[type=checkbox]').first.click()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("Comparing 2 Runs from 1 Experiment")).to_be_visible()
    for trial in chosen:
        expect(page.get_by_text(trial.info.run_name, exact=True).first).to_be_visible()
    expect(page.get_by_text("optimizer", exact=True).first).to_be_visible()


def test_the_study_leads_to_its_trials_and_has_numbers_and_a_page_to_copy_addresses_from(
    page: Page, compared: str, runs_of: dict[str, list[Any]]
) -> None:
    (study,), trials = runs_of["compare"], runs_of["train"]
    own = f"{compared}/#/experiments/{study.info.experiment_id}/runs/{study.info.run_id}"
    page.goto(f"{own}?{MODEL_TRAINING_VIEW}")
    trials_address = page.get_by_role("link", name="Its trials").get_attribute("href")
    compared_address = page.get_by_role("link", name="A trial of each contender, compared").get_attribute("href")
    expect(page.get_by_text("study/validation_accuracy", exact=True).first).to_be_visible()
    assert trials_address
    assert compared_address
    page.goto(trials_address)
    expect(page.get_by_text(f"{len(trials)} matching runs")).to_be_visible()
    page.goto(compared_address)
    expect(page.get_by_text(f"Comparing {len(OPTIMIZERS)} Runs from 1 Experiment")).to_be_visible()
    for axis in ("optimizer", "learning_rate"):
        expect(page.get_by_text(axis, exact=True).first).to_be_visible()
    expect(page.get_by_text("grid_size")).to_have_count(0)

    page.goto(f"{own}/artifacts/report.html?{MODEL_TRAINING_VIEW}")
    report = page.frame_locator("iframe.mlflow-html-iframe")
    expect(report.get_by_text(f"{own}?{MODEL_TRAINING_VIEW}", exact=True)).to_be_visible()
    expect(report.get_by_text(study.data.tags["prefect.flow_run_url"], exact=True)).to_be_visible()


def test_the_charts_of_a_run_begin_with_its_curves(page: Page, compared: str, runs_of: dict[str, list[Any]]) -> None:
    (trial, *_) = [run for run in runs_of["train"] if "test_accuracy" in run.data.metrics]
    address = f"{compared}/#/experiments/{trial.info.experiment_id}/runs/{trial.info.run_id}/model-metrics"
    page.goto(f"{address}?{MODEL_TRAINING_VIEW}")
    heights = []
    for section in ("train", "validation", "Model metrics"):  # the last holds what has no slash in its name
        heading = page.get_by_text(re.compile(rf"^\s*{section}\s*\(\d+\)\s*$")).first
        expect(heading).to_be_attached()
        heights.append(heading.evaluate("element => element.getBoundingClientRect().y"))
    assert heights == sorted(heights)
    for section in ("best", "test"):
        expect(page.get_by_text(re.compile(rf"^\s*{section}\s*\(\d+\)\s*$"))).to_have_count(0)


def test_the_dag_the_log_and_the_artifacts_of_a_trial_are_seen_in_prefect(
    page: Page, compared: str, prefect_api: str, runs_of: dict[str, list[Any]], picture: Callable[[str], None]
) -> None:
    trial = runs_of["train"][0]
    page.goto(f"{compared}/#/experiments/{trial.info.experiment_id}/runs/{trial.info.run_id}?{MODEL_TRAINING_VIEW}")
    to_prefect = page.get_by_role("link", name="Prefect flow run")
    expect(to_prefect).to_be_visible()
    address = to_prefect.get_attribute("href")
    assert address
    assert address.startswith(prefect_api.removesuffix("/api"))
    page.goto(address)
    expect(page.get_by_text(trial.info.run_name, exact=True).first).to_be_visible()
    expect(page.get_by_text("4 Task runs")).to_be_visible()  # the test split is the chosen setting's alone
    page.get_by_text("Task Runs", exact=True).click()
    for name in ("prepare_dataset", "build_model", "compile_model", "fit_model"):
        expect(page.get_by_role("link", name=re.compile(f"^{name}-")).first).to_be_visible()
    page.get_by_text("Logs", exact=True).click()
    expect(page.get_by_text(re.compile(r"Epoch:\[ +1/ +4\], step:\[")).first).to_be_visible()
    picture("prefect_run")

    page.get_by_text("Artifacts", exact=True).click()
    for name in ("epochs", "summary", "mlflow-run"):
        expect(page.get_by_text(name, exact=True).last).to_be_visible()
    page.get_by_text("mlflow-run", exact=True).last.click()
    to_mlflow = page.locator(f'a[href*="/runs/{trial.info.run_id}"]')
    expect(to_mlflow).to_be_visible()
    page.goto(to_mlflow.get_attribute("href") or "")
    expect(page.get_by_role("heading", name=trial.info.run_name)).to_be_visible()
    expect(page.get_by_text("validation/accuracy", exact=True).first).to_be_visible()


def test_the_form_of_a_deployment_has_descriptions_choices_and_bounds(
    page: Page, prefect_api: str, start: Callable[..., Running], checkout: Path
) -> None:
    ended = start("-m", "flows", "deploy", directory=checkout, PYTHONPATH="", PREFECT_API_URL=prefect_api).ended()
    assert ended.status == 0, ended
    deployment = ask("GET", f"{prefect_api}/deployments/name/train/digits")
    page.goto(f"{prefect_api.removesuffix('/api')}/deployments/deployment/{deployment['id']}/run")
    for name, field in fields_of(TrainParameters).items():
        shown = parameter(page, name)
        expect(shown.locator(".schema-form-property__description")).to_have_text(described(field))
    expect(parameter(page, "dataset").locator("textarea")).to_have_value("digits")  # as prefect.yaml has it

    parameter(page, "optimizer").get_by_role("button", name="list").click()
    parameter(page, "optimizer").locator("button.p-select-button__control").press("ArrowDown")
    choices = page.get_by_role("option")
    expect(choices).to_have_text(list(choices_of(TrainParameters.model_fields["optimizer"])))
    choices.get_by_text("adam", exact=True).click()
    batch_size = parameter(page, "batch_size").locator("input")
    batch_size.fill("0")
    page.get_by_role("button", name="Submit").click()
    told = "Validation failed for field 'batch_size'. Failure reason: 0 is less than the minimum of 1"
    expect(page.get_by_text(told).first).to_be_visible()
    batch_size.fill("64")
    learning_rate = parameter(page, "learning_rate")
    learning_rate.get_by_role("button", name="float").click()  # none is the default
    learning_rate.locator("input").fill("0.002")
    page.get_by_role("button", name="Submit").click()
    asked = {"flow_runs": {"deployment_id": {"any_": [deployment["id"]]}}}
    found = lambda: ask("POST", f"{prefect_api}/flow_runs/filter", asked)  # noqa: E731
    (flow_run,) = wait_for(found, "the flow run")
    given = {name: flow_run["parameters"][name] for name in ("dataset", "optimizer", "learning_rate", "batch_size")}
    assert given == {"dataset": "digits", "optimizer": "adam", "learning_rate": 0.002, "batch_size": 64}
    ask("DELETE", f"{prefect_api}/flow_runs/{flow_run['id']}")  # no worker is to find it


def parameter(page: Page, name: str) -> Locator:
    """Return what the form shows of a parameter."""
    label = page.get_by_text(f"{name} (Optional)", exact=True)
    return page.locator(".schema-form-property").filter(has=label)


def search(page: Page, condition: str) -> None:
    # MLflow shows the answer that comes last, which may be that to what it asked before this.
    expect(page.get_by_text(re.compile(r"^\d+ matching runs?$"))).to_be_visible()
    box = page.get_by_placeholder("metrics.rmse < 1")
    box.fill(condition)
    box.press("Enter")


def expect_whole(text: Locator) -> None:
    """Check that a name is seen, and not cut off by whatever it lies in."""
    expect(text).to_be_visible()
    cut_off = text.evaluate(
        """element => {
            while (getComputedStyle(element).overflowX === "visible") element = element.parentElement
            return element.scrollWidth > element.clientWidth
        }"""
    )
    assert not cut_off, text.inner_text()
